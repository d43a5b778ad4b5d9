"""A case walked along a history: which lines each step reads, and what that shows.

Pure: the driver asks it while the case runs, the judge asks it again of the finished history, and both get the same
answer, because a step sees only what had been observed when it was decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import pattern, schemas, wire
from pytest_stdiobus.kit.history import TARGET, Event, History

if TYPE_CHECKING:
    from pytest_stdiobus.kit.bindings import Bindings
    from pytest_stdiobus.kit.case import Step

MET, BROKEN, NOT_MET = "met", "broken", "not met"  # NOT_MET: an assumption, held against nobody
_ENDS = frozenset({"eof"})


@dataclass(frozen=True)
class Reading:
    """What a step came to: `outcome`, the lines it read, and why if it was not met."""

    outcome: str
    events: tuple[Event, ...] = ()
    why: str = ""


@dataclass
class Walk:
    """How far a case has come.

    Attributes:
        history: what has been observed so far.
        bindings: what the case's names stand for.
        messages_only: whether lines that are no JSON object are left to the invariant that forbids them, so that one
            stray line is not held against every rule.
    """

    history: History
    bindings: Bindings
    messages_only: bool = False
    _read: set[int] = field(default_factory=set)

    def unread(self, actor: str, upto: int) -> list[Event]:
        """The lines of an actor, or the facts about a process, that no step has read, among the first `upto` events."""
        return [
            event
            for event in self.history.events[:upto]
            if event.n not in self._read and _readable(event, actor) and not self._is_noise(event)
        ]

    def _is_noise(self, event: Event) -> bool:
        return self.messages_only and wire.parsed(event.data) is None

    def settle(self, step: Step, upto: int, *, final: bool = False) -> Reading | None:
        """What the step comes to with the first `upto` events; None while that is open.

        Args:
            step: a reading or a statement.
            upto: how many events it may see.
            final: nothing more will come, because the deadline is over.
        """
        try:
            reading = self._statement(step) if not step.reads else self._reading(step, upto, final=final)
        except LookupError as error:
            reading = Reading(BROKEN, why=f"the case refers to what is not there: {error}")
        if reading is not None:
            self._read.update(event.n for event in reading.events)
            if reading.outcome == MET and "as" in step.more and reading.events:
                self.bindings.bind(step.more["as"], reading.events[-1])
        return reading

    def _reading(self, step: Step, upto: int, *, final: bool) -> Reading | None:
        unread = self.unread(step.actor, upto)
        ended = self._ended(step.actor, upto)
        if step.verb == "take":
            return self._take(step, unread, ended=ended, final=final)
        expected = self.bindings.expand(step.value)
        if step.verb == "next":
            found = self._next(expected, unread)
        elif step.verb == "find":
            found = self._find(expected, unread)
        else:
            found = self._until(step, expected, unread)
        if found is not None:
            return found
        if ended is not None and step.more.get("or_eof"):
            return Reading(MET)
        if ended is None and not final:
            return None
        return Reading(BROKEN, why=_nothing(expected, unread if step.verb != "next" else [], ended))

    @staticmethod
    def _next(expected: Any, unread: list[Event]) -> Reading | None:
        if not unread:
            return None
        why = pattern.mismatch(expected, unread[0].data)
        return Reading(BROKEN if why else MET, (unread[0],), why=_quoted(unread[0], why))

    @staticmethod
    def _find(expected: Any, unread: list[Event]) -> Reading | None:
        for event in unread:
            if pattern.mismatch(expected, event.data) is None:
                return Reading(MET, (event,))
        return None

    def _until(self, step: Step, expected: Any, unread: list[Event]) -> Reading | None:
        allowed = self.bindings.expand(step.more.get("before"))
        for index, event in enumerate(unread):
            if pattern.mismatch(expected, event.data) is None:
                return Reading(MET, tuple(unread[: index + 1]))
            if allowed is None or schemas.faults(wire.parsed(event.data), allowed):
                why = f"{pattern.mismatch(expected, event.data)}; and nothing like it may come before"
                return Reading(BROKEN, tuple(unread[: index + 1]), why=_quoted(event, why))
        return None

    def _take(self, step: Step, unread: list[Event], *, ended: str | None, final: bool) -> Reading | None:
        count = self.bindings.expand(step.value)
        if len(unread) >= count:
            lines = tuple(unread[:count])
            found = schemas.faults([wire.parsed(line.data) for line in lines], self.bindings.expand(step.more["all"]))
            return Reading(BROKEN if found else MET, lines, why="; ".join(found[:3]))
        if ended is None and not final:
            return None
        why = f"expected {count} lines, got {len(unread)}{f'; {ended}' if ended else ''}"
        return Reading(BROKEN, tuple(unread), why=why)

    def _statement(self, step: Step) -> Reading:
        value = step.value
        if step.verb == "elapsed":
            return self._elapsed(value)
        named = [self._named(name) for name in value["distinct"]]
        return Reading(MET if len(set(named)) == len(named) else NOT_MET, why="the bound values are not distinct")

    def _named(self, name: str) -> Any:
        binding, _, what = name.partition("/")
        return self.bindings.events[binding].actor if what == "worker" else self.bindings.look_up(name)

    def _elapsed(self, value: dict[str, Any]) -> Reading:
        begin, end = (self.bindings.events[value[key]].t_us / 1000 for key in ("from", "to"))
        scale = float(self.history.head.get("time_scale", 1))
        shortest, longest = value.get("min_ms", 0), value.get("max_ms")
        taken = end - begin
        if taken < shortest:
            return Reading(BROKEN, why=f"{value['to']} came {taken:.0f} ms after {value['from']}, before {shortest} ms")
        if longest is not None and taken > longest * scale:
            late = f"{value['to']} came {taken:.0f} ms after {value['from']}, later than {longest * scale:.0f} ms"
            return Reading(BROKEN, why=late)
        return Reading(MET)

    def _ended(self, actor: str, upto: int) -> str | None:
        """Why no more will come from an actor; None while it may."""
        ends = [event for event in self.history.events[:upto] if event.kind in _ENDS and event.actor == actor]
        if not ends:
            return None
        seen = self.history.events[:upto]
        refused = [event.facts["error"] for event in seen if event.kind == "harness" and event.facts["what"] == "start"]
        if refused:
            return f"it could not be started: {refused[0]}"
        exits = [event.facts for event in seen if event.kind == "exit"]
        return f"it has {how_it_ended(exits[-1])}" if exits else "it has closed its output"


def how_it_ended(facts: dict[str, Any]) -> str:
    """An exit in words."""
    if "signal" in facts:
        return f"been ended by {facts['signal']}"
    return f"exited with status {facts['code']}"


def _readable(event: Event, actor: str) -> bool:
    if actor == f"{TARGET}:process":
        return event.kind == "exit" and event.actor == TARGET
    return event.kind == "line" and event.dir == "out" and event.actor == actor


def _quoted(event: Event, why: str | None) -> str:
    return f"{wire.preview(event.data)}: {why}" if why else ""


def _nothing(expected: Any, others: list[Event], ended: str | None) -> str:
    what = wire.preview(pattern.raw(expected["bytes"]) if "bytes" in expected else wire.encode(expected))
    came = f"; what came: {', '.join(wire.preview(event.data) for event in others[:3])}" if others else ""
    return f"expected {what}, but {ended or 'nothing came in time'}{came}"
