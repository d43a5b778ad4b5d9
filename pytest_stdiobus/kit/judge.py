"""From a history to findings: pure, so that a recorded history is judged as the run itself was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.checks import invariants
from pytest_stdiobus.kit.history import KIT
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.walk import MET, NOT_MET, Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.kit.case import Case, Step
    from pytest_stdiobus.kit.history import Event, History


def judge(case: Case | None, steps: Sequence[Step], history: History, subject: str) -> tuple[Finding, ...]:
    """What a history says about the requirements of its case, and about every invariant of its subject.

    Args:
        case: what was played; None for a recording, whose expectations nobody knows.
        steps: the steps that were played, the profile's opening included.
        history: what was observed.
        subject: ``worker``, ``kernel``, ``sdk`` or ``stream``: which invariants hold.
    """
    broken = [finding for invariant in invariants(subject) for finding in invariant(history)]
    if case is None:
        return tuple(broken)
    walk = Walk(history, Bindings(history.head.get("values", {})), messages_only=subject == "worker")
    stepwise = list(_of_steps(case, steps, walk))
    return tuple(_merged(stepwise, broken))


def _of_steps(case: Case, steps: Sequence[Step], walk: Walk) -> Iterator[Finding]:
    markers = {event.facts["index"]: event for event in walk.history.of_kind("step") if event.actor == KIT}
    judged: set[str] = set()
    for index, step in enumerate(steps):
        if step.acts:
            _bind(walk, step, index)
            continue
        marker = markers.get(index)
        if marker is None:
            yield Finding(step.judges, Outcome.HARNESS_ERROR, "the run ended before this step")
            return
        reading = walk.give_up(step, marker.n)
        if reading.outcome == MET:
            judged.add(step.judges)
            continue
        if reading.outcome == NOT_MET:
            yield from _others(case, judged, Outcome.NOT_OBSERVED, reading.why)
        elif reading.in_vain and (why := _shortened(walk.history, marker)):
            why = f"{reading.why}; {why}"
            yield Finding(step.judges, Outcome.UNTESTABLE, why, (marker.n,))
            yield from _others(case, {*judged, step.judges}, Outcome.UNTESTABLE, why)
        else:
            events = (*(event.n for event in reading.events), marker.n)
            yield Finding(step.judges, Outcome.FAIL, reading.why, events)
            why = f"{step.judges} failed before it: {reading.why}"
            yield from _others(case, {step.judges}, Outcome.UNTESTABLE, why)
        return
    for name in dict.fromkeys((*case.requirements, *sorted(judged))):
        yield Finding(name, Outcome.PASS)


def _shortened(history: History, marker: Event) -> str:
    """Why the target was not given its full time, or room, for a step; nothing where it was."""
    told = [event for event in history.events[: marker.n] if event.kind == "harness"]
    return next((str(event.facts["shortened"]) for event in (marker, *told) if "shortened" in event.facts), "")


def _bind(walk: Walk, step: Step, index: int) -> None:
    caused = [event for event in walk.history.events if event.facts.get("step") == index]
    if caused and "as" in step.more:
        walk.bindings.bind(step.more["as"], caused[-1])


def _others(case: Case, decided: set[str], outcome: Outcome, why: str) -> Iterator[Finding]:
    for name in case.requirements:
        if name not in decided:
            yield Finding(name, outcome, why)


def _merged(stepwise: list[Finding], broken: list[Finding]) -> list[Finding]:
    """One finding for each requirement: what an invariant saw outweighs what the steps met."""
    accused = {finding.requirement: finding for finding in reversed(broken)}
    kept: list[Finding] = []
    for finding in stepwise:
        if finding.requirement not in accused or finding.outcome is Outcome.FAIL:
            kept.append(finding)
            accused.pop(finding.requirement, None)
    return [*kept, *accused.values()]


def values(case: Case, probes: dict[str, Any]) -> dict[str, Any]:
    """What a case may refer to besides its own lines: its vector's row and the target's probes."""
    return {"row": dict(case.row), "probe": probes}
