"""Calls that an adapter says its SDK has not: what they leave undecided, and where the adapter contradicts itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.history import KIT
from pytest_stdiobus.kit.result import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History

# The members that a call of an op cannot do without, or that every client has; whoever describes the op has to have them.
_PLAIN: dict[str, frozenset[str]] = {
    **dict.fromkeys(("request", "notify", "stream"), frozenset({"method", "params"})),
    **dict.fromkeys(
        ("subscribe", "on_message", "on_notification", "stop", "destroy", "state", "stats", "pending"), frozenset()
    ),
    "send": frozenset({"line"}),
    "respond": frozenset({"request", "result"}),
}


def calls(history: History) -> Iterator[Event]:
    """The calls to which an adapter says that its SDK has not what they ask for."""
    for event in history.lines():
        message = wire.parsed(event.data) if event.actor.startswith("call:") else None
        if message is not None and message.get("event") == "unsupported":
            yield from history.lines(event.actor, "in")


def contradicts(call: Event, described: Collection[str]) -> bool:
    """Whether an adapter refuses what it describes: an op, called with nothing but what belongs to it."""
    asked = wire.parsed(call.data) or {}
    op, given = asked.get("op"), asked.keys() - {"command", "id", "op"}
    is_plain = (
        isinstance(op, str) and op in _PLAIN and given <= _PLAIN[op] and isinstance(asked.get("params", {}), dict)
    )
    return is_plain and op in described


def why(call: Event) -> str:
    """What is said of what a refused call leaves undecided."""
    return f"its adapter says that the SDK has not what is asked for: {wire.preview(call.data)}"


def undecided(found: Sequence[Finding], steps: Sequence[Step], history: History, call: Event) -> Iterator[Finding]:
    """The findings of a case's steps, of which only those stand that were decided before a call was refused."""
    markers = {event.facts["index"]: event.n for event in history.of_kind("step") if event.actor == KIT}
    judging = [(step.judges, markers.get(index, math.inf)) for index, step in enumerate(steps) if step.judging]
    late = {name for name, decided in judging if decided > call.n}
    for finding in found:
        early = finding.requirement in {name for name, _ in judging} - late
        stands = early and finding.outcome is Outcome.PASS
        yield finding if stands else Finding(finding.requirement, Outcome.NOT_APPLICABLE, why(call))
