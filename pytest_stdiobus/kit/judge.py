"""From a history to findings: pure, so that a recorded history is judged as the run itself was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import refused, wire
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import DOCKER
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.checks import held_always, invariants
from pytest_stdiobus.kit.history import KIT, POOL, WORKER
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.through import answered_by_the_bus
from pytest_stdiobus.kit.walk import MET, NOT_MET, Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_stdiobus.kit.case import Case, Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.walk import Reading


_UNREACHED = (
    "no worker in the container has read anything, which can be the client's doing or the engine's, whose port accepts a"
    " client also while no kernel serves there"
)


def judge(case: Case | None, steps: Sequence[Step], history: History, subject: str) -> tuple[Finding, ...]:
    """What a history says about the requirements of its case, and about every invariant of its subject.

    A line that no step read is judged by the invariants alone: nobody foresaw it, but only a rule can forbid it.

    Args:
        case: what was played; None for a recording, whose expectations nobody knows.
        steps: the steps that were played, the profile's opening included.
        history: what was observed; its head names the profile and the declared ``capabilities``, without which the
            invariants that need one accuse nobody.
        subject: ``worker``, ``kernel``, ``sdk`` or ``stream``: which invariants hold.
    """
    profile, capabilities = history.head.get("profile", ""), frozenset(history.head.get("capabilities", ()))
    through = "through" in history.head
    known = held_always(subject, through=through)
    held = frozenset(name for name in known if catalogue()[name].holds_for(profile, capabilities))
    found = (finding for invariant in invariants(subject) for finding in invariant(history))
    broken = [finding for finding in found if finding.requirement in held]
    if case is None:
        return tuple(broken)
    if through:
        broken += answered_by_the_bus(case.requirements[0], history)
    not_had = list(refused.calls(history)) if subject == "sdk" else []
    if lie := next((call for call in not_had if refused.contradicts(call, capabilities)), None):
        why = f"the adapter describes an op and refuses it: {wire.preview(lie.data)}"
        return tuple(Finding(name, Outcome.HARNESS_ERROR, why) for name in case.requirements)
    walk = Walk(history, Bindings(history.head.get("values", {})), messages_only=subject == "worker")
    walk.begin()
    stepwise = list(_of_steps(case, steps, walk, held))
    if not_had:
        stepwise = list(refused.undecided(stepwise, steps, history, not_had[0]))
    return tuple(_merged(stepwise, broken))


def _of_steps(case: Case, steps: Sequence[Step], walk: Walk, held: frozenset[str]) -> Iterator[Finding]:
    """What the steps say; `held` are the requirements that invariants judge."""
    markers = {event.facts["index"]: event for event in walk.history.of_kind("step") if event.actor == KIT}
    for index, step in enumerate(steps):
        if step.acts:
            bind_action(walk, step, index)
            continue
        marker = markers.get(index)
        if marker is None:
            yield Finding(step.judges, Outcome.HARNESS_ERROR, "the run ended before this step")
            return
        reading = walk.give_up(step, marker.n)
        if reading.outcome != MET:
            yield from _stopped(case, steps, index, _why_stopped(case, walk.history, step, reading, marker))
            return
    judged = {step.judges for step in steps if step.judging}
    for name in dict.fromkeys((*case.requirements, *sorted(judged))):
        if name in judged or name in held:
            yield Finding(name, Outcome.PASS)
        else:
            yield Finding(name, Outcome.NOT_OBSERVED, "no step of the case looks at it")


def _why_stopped(case: Case, history: History, step: Step, reading: Reading, marker: Event) -> Finding:
    """What is said of the requirement of a step that was not met."""
    if reading.outcome == NOT_MET:
        return Finding(step.judges, Outcome.NOT_OBSERVED, reading.why)
    if reading.in_vain and (why := _shortened(history, marker)):
        return Finding(step.judges, Outcome.UNTESTABLE, f"{reading.why}; {why}", (marker.n,))
    if reading.in_vain and _is_unreached(case, step, history):
        return Finding(step.judges, Outcome.UNTESTABLE, f"{reading.why}; {_UNREACHED}", (marker.n,))
    events = (*(event.n for event in reading.events), marker.n)
    return Finding(step.judges, Outcome.FAIL, reading.why, events)


def _stopped(case: Case, steps: Sequence[Step], index: int, stop: Finding) -> Iterator[Finding]:
    """The findings of a case that ended at a step: of it, of what was met before it, and of what was still to come."""
    met = {step.judges for step in steps[:index] if step.judging}
    met -= {stop.requirement, *(step.judges for step in steps[index:] if step.judging)}
    yield stop
    for name in case.requirements:
        if name in met:
            yield Finding(name, Outcome.PASS)
        elif name != stop.requirement:
            failed = stop.outcome is Outcome.FAIL
            why = f"{stop.requirement} failed before it: {stop.explanation}" if failed else stop.explanation
            yield Finding(name, Outcome.UNTESTABLE if failed else stop.outcome, why)


def _is_unreached(case: Case, step: Step, history: History) -> bool:
    """Whether no worker behind an SDK's own kernel in a container has read anything, and one should have."""
    behind = case.transport == DOCKER and not case.has_stand_in and step.actor.startswith(f"{POOL}:")
    return behind and step.verb != "starts" and not any(e.actor.startswith(f"{WORKER}:") for e in history.lines())


def _shortened(history: History, marker: Event) -> str:
    """Why the target was not given its full time, or room, for a step; nothing where it was."""
    told = [event for event in history.events[: marker.n] if event.kind == "harness"]
    return next((str(event.facts["shortened"]) for event in (marker, *told) if "shortened" in event.facts), "")


def bind_action(walk: Walk, step: Step, index: int) -> None:
    """Let the name of an acting step stand for what it did, as it did when the case was played."""
    if "as" not in step.more:
        return
    caused = [event for event in walk.history.events if event.facts.get("step") == index]
    if caused:
        walk.bindings.bind(step.more["as"], caused[-1])


def _merged(stepwise: list[Finding], broken: list[Finding]) -> list[Finding]:
    """One finding for each requirement: what an invariant saw outweighs what the steps met, the first failure all else."""
    accused: dict[str, Finding] = {}
    for finding in sorted(broken, key=lambda found: found.outcome is not Outcome.FAIL):
        accused.setdefault(finding.requirement, finding)
    kept: list[Finding] = []
    for finding in stepwise:
        if finding.requirement not in accused or finding.outcome is Outcome.FAIL:
            kept.append(finding)
            accused.pop(finding.requirement, None)
    return [*kept, *accused.values()]


def values(case: Case, probes: Mapping[str, Any], survey: Mapping[str, Any]) -> dict[str, Any]:
    """What a case may refer to besides its own lines: its vector's row, the target's probes, and what it said of itself."""
    return {"row": dict(case.row), "probe": dict(probes), "survey": dict(survey)}
