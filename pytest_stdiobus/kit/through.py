"""A worker judged twice, directly and through a bus: what can cross a bus, and who is at fault where the two differ."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import schemas, wire
from pytest_stdiobus.kit.pattern import payload
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_stdiobus.kit.bindings import Bindings
    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import History
    from pytest_stdiobus.kit.result import CaseResult

FORWARD, STRIP = "forward", "strip"
ENVELOPES = (FORWARD, STRIP)
USES = (DIRECTLY, STRIPPED, NOT, NOT_KNOWN) = ("directly", "with envelope strip", "not", "not known")

# What a bus answers when it has no answer of the worker's: the codes a server may define itself (JSON-RPC 2.0, 5.1).
_BUS_CODES = range(-32099, -32089)
_SOURCE = "stdio_bus"
_PASSED_ON = {"$ref": f"{schemas.URN}message", "properties": {"pool": {"not": {}}}}


class Blame(str, Enum):
    """Who breaks a requirement."""

    WORKER = "worker"
    BUS = "bus"
    BOTH = "both"


def obstacle(played: Iterable[Step], bindings: Bindings) -> str:
    """Why steps cannot be played through a bus, or nothing.

    Args:
        played: the steps of a case.
        bindings: what is known before they are played.
    """
    for step in played:
        if step.actor.startswith("target:"):
            return "it is about the worker's process, which belongs to the bus"
        if step.verb == "close":
            return "it closes the worker's output, which belongs to the bus"
        if step.verb == "send" and ("split" in step.more or not _passes(step.value, bindings)):
            return "it sends what a bus does not pass on as it is: bytes that are no message, or the name of a pool"
    return ""


def answered_by_the_bus(requirement: str, history: History) -> Iterator[Finding]:
    """Where the bus answered a request in the worker's place."""
    ending = next(history.of_kind("ending"), None)  # after which what is still open is nobody's failure
    for event in history.lines():
        if ending is not None and event.n > ending.n:
            return
        message = wire.parsed(event.data)
        error = message.get("error") if message is not None and wire.kind_of(message) is Kind.RESPONSE else None
        if isinstance(error, dict) and error.get("code") in _BUS_CODES and _is_from_a_bus(error.get("data")):
            why = f"the bus answered in the worker's place: {wire.preview(event.data)}"
            yield Finding(requirement, Outcome.FAIL, why, (event.n,))


def compare(direct: Iterable[CaseResult], through: Iterable[CaseResult]) -> dict[str, Blame]:
    """Who breaks each requirement that is broken at all.

    It is the worker where a case fails directly, the bus where a case fails through it that does not fail directly, both
    where there are cases of either kind. A case that could not be judged directly says nothing about the bus.

    Args:
        direct: what the cases came to with the kit in the bus's place.
        through: what they came to with the bus between the kit and the worker.
    """
    without = {result.case.id: result for result in direct}
    blamed: dict[str, Blame] = {}
    for result in without.values():
        for finding in result.failures:
            blamed[finding.requirement] = Blame.WORKER
    by_the_worker = frozenset(blamed)
    for result in through:
        for finding in result.failures:
            if _was_kept(finding.requirement, without.get(result.case.id)):
                name = finding.requirement
                blamed[name] = Blame.BOTH if name in by_the_worker else Blame.BUS
    return blamed


def on_the_bus(direct: Sequence[CaseResult], forward: Sequence[CaseResult], strip: Sequence[CaseResult] = ()) -> str:
    """How a worker that knows nothing of the bus can be used on one: one of `USES`.

    It is ``not`` where the bus is to blame, and ``not known`` where nothing is and no case passed either.

    Args:
        direct: its cases without a bus.
        forward: the same through a bus that passes messages on as they are.
        strip: the same through one that removes its own members before; needed only where `forward` shows a fault.
    """
    answer = _use(direct, forward, DIRECTLY)
    return _use(direct, strip, STRIPPED) if answer == NOT and strip else answer


def _use(direct: Sequence[CaseResult], through: Sequence[CaseResult], use: str) -> str:
    if {Blame.BUS, Blame.BOTH} & set(compare(direct, through).values()):
        return NOT
    return use if any(result.outcome is Outcome.PASS for result in through) else NOT_KNOWN


def _was_kept(requirement: str, result: CaseResult | None) -> bool:
    """Whether a case was played, and nothing stood in the way of a requirement or broke it."""
    if result is None or result.history is None:
        return False
    said = [finding.outcome for finding in result.findings if finding.requirement == requirement]
    return all(outcome is Outcome.PASS for outcome in said) and result.outcome is not Outcome.HARNESS_ERROR


def _passes(value: Any, bindings: Bindings) -> bool:
    """Whether a bus passes on what is sent; a message that uses what is answered before is taken for one that it does."""
    try:
        *lines, rest = payload(bindings.expand(value)).split(b"\n")
    except LookupError:
        return not _is_raw(value)
    return not rest and all(schemas.is_valid(wire.parsed(line), _PASSED_ON) for line in lines)


def _is_raw(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() in ({"raw"}, {"base64"})


def _is_from_a_bus(data: Any) -> bool:
    return isinstance(data, dict) and data.get("source") == _SOURCE
