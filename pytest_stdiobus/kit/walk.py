"""A case walked along a history: which lines each step reads, and what that shows.

Pure: the driver asks it while the case runs, the judge asks it again of the finished history, and both get the same
answer, because a step sees only what had been observed when it was decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import pattern, schemas, wire
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import USAGE, WORKER, Event, History
from pytest_stdiobus.kit.inbox import Inbox, pool_of

if TYPE_CHECKING:
    from pytest_stdiobus.kit.bindings import Bindings
    from pytest_stdiobus.kit.case import Step

MET, BROKEN, NOT_MET = "met", "broken", "not met"  # NOT_MET: an assumption, held against nobody


@dataclass(frozen=True)
class Reading:
    """What a step came to.

    Attributes:
        outcome: ``MET``, ``BROKEN`` or ``NOT_MET``.
        events: the lines it read.
        why: why it was not met.
        in_vain: whether no line decided it but the end of the waiting, or of the output.
    """

    outcome: str
    events: tuple[Event, ...] = ()
    why: str = ""
    in_vain: bool = False


@dataclass
class Walk:
    """How far a case has come.

    Attributes:
        history: what has been observed so far.
        bindings: what the case's names stand for.
        messages_only: whether lines that are no message are left to the invariants that forbid them, so that one
            stray line is not held against every rule.
    """

    history: History
    bindings: Bindings
    messages_only: bool = False
    _inbox: Inbox = field(init=False)
    _looked_at: int = 0  # so many unread lines have been held against the step that is open

    def __post_init__(self) -> None:
        """Read nothing yet."""
        self._inbox = Inbox(self.history, messages_only=self.messages_only)

    def begin(self) -> None:
        """Let ``target`` stand for what is known of the process, such as ``target/cwd``, its folder."""
        for event in self.history.of_kind("spawn"):
            if event.data:
                self.bindings.bind("target", event)

    def who(self, step: Step) -> str:
        """Who a step means: ``worker:BINDING`` is the worker that read or wrote the bound line.

        Raises:
            LookupError: nothing of a worker is bound to that name.
        """
        kind, _, name = step.actor.partition(":")
        if kind != WORKER:
            return step.actor
        bound = self.bindings.events.get(name)
        if bound is None or not bound.actor.startswith(f"{WORKER}:"):
            message = f"{step.actor}: no step before it has read a line of a worker as {name!r}"
            raise LookupError(message)
        return bound.actor

    def settle(self, step: Step, upto: int, *, final: bool = False) -> Reading | None:
        """What the step comes to with the first `upto` events; None while that is open.

        Args:
            step: a reading or a statement.
            upto: how many events it may see.
            final: nothing more will come, because the deadline is over.

        Raises:
            HarnessError: the case refers to what is not there.
        """
        try:
            if step.verb == "starts":
                reading = self._started(step, upto, final=final)
            else:
                reading = self._statement(step) if not step.reads else self._reading(step, upto, final=final)
        except LookupError as error:
            raise refers_to_nothing(error) from None
        if reading is not None:
            self._looked_at = 0
            if reading.outcome == MET and "as" in step.more and reading.events:
                self.bindings.bind(step.more["as"], reading.events[-1])
        return reading

    def give_up(self, step: Step, upto: int) -> Reading:
        """What the step comes to when nothing more is waited for."""
        reading = self.settle(step, upto, final=True)
        assert reading is not None
        return reading

    def _started(self, step: Step, upto: int, *, final: bool) -> Reading | None:
        opened = [event for event in self.history.events[:upto] if event.kind == "open"]
        seen = [event for event in opened if step.actor in {pool_of(event.actor), event.actor.partition("#")[0]}]
        if len(seen) >= step.value:
            return Reading(MET, tuple(seen))
        if not final:
            return None
        return Reading(BROKEN, why=f"expected {step.value} of {step.actor} to start, {len(seen)} have", in_vain=True)

    def _reading(self, step: Step, upto: int, *, final: bool) -> Reading | None:
        self._inbox.look(upto)
        actor = self.who(step)
        unread = self._inbox.unread(actor)
        ended = self._inbox.end_of(actor)
        if step.verb in {"take", "ends"}:
            settle = partial(self._take, step) if step.verb == "take" else partial(_ends, actor)
            found = settle(unread, ended=ended, final=final)
            if found is not None:
                self._inbox.forget(actor, found.events)
            return found
        expected = self.bindings.expand(step.value)
        found = _untold(expected, unread) if actor == USAGE else None
        if found is None and step.verb == "next":
            found = self._next(expected, unread)
        elif found is None:
            found = self._find(expected, unread) if step.verb == "find" else self._until(step, expected, unread)
        if found is not None:
            self._inbox.forget(actor, found.events)
            return found
        if ended is not None and step.more.get("or_eof"):
            return Reading(MET)
        if ended is None and not final:
            return None
        if "wait_ms" in step.more:
            return Reading(MET)
        return Reading(BROKEN, why=_nothing(expected, unread if step.verb != "next" else [], ended), in_vain=True)

    @staticmethod
    def _next(expected: Any, unread: list[Event]) -> Reading | None:
        if not unread:
            return None
        event = unread[0]
        why = pattern.mismatch(expected, event.data)
        return Reading(BROKEN if why else MET, (event,), why=_quoted(event, why))

    def _find(self, expected: Any, unread: list[Event]) -> Reading | None:
        for index in range(self._looked_at, len(unread)):
            if pattern.mismatch(expected, unread[index].data) is None:
                return Reading(MET, (unread[index],))
        self._looked_at = len(unread)
        return None

    def _until(self, step: Step, expected: Any, unread: list[Event]) -> Reading | None:
        allowed = self.bindings.expand(step.more.get("before"))

        @cache  # a worker without end repeats itself
        def tolerated(line: bytes) -> bool:
            return allowed is not None and schemas.is_valid(wire.parsed(line), allowed)

        for index in range(self._looked_at, len(unread)):
            event = unread[index]
            why = pattern.mismatch(expected, event.data)
            if why is not None and tolerated(event.data):
                continue
            if why is not None:
                only = f"only {schemas.words(allowed)}" if allowed else "nothing"
                why = _quoted(event, f"{why}; before that {only} may come")
            return Reading(BROKEN if why else MET, tuple(unread[: index + 1]), why=why or "")
        self._looked_at = len(unread)
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
        return Reading(BROKEN, tuple(unread), why=why, in_vain=True)

    def _statement(self, step: Step) -> Reading:
        value = step.value
        if step.verb == "elapsed":
            return self._elapsed(value)
        if step.verb == "is":
            event = self.bindings.events[step.actor.partition(":")[2]]
            why = pattern.mismatch(self.bindings.expand(value), event.data)
            return Reading(BROKEN if why else MET, (event,), why=_quoted(event, why))
        if "that" in value and value["that"].partition("/")[0] not in self.bindings.known:
            return Reading(MET)
        if "that" in value:
            found = schemas.faults(self.bindings.look_up(value["that"]), self.bindings.expand(value["is"]))
            return Reading(NOT_MET if found else MET, why=f"{value['that']} is another: {found[0]}" if found else "")
        names = value if step.verb == "distinct" else value["distinct"]
        named = [self._named(name) for name in names]
        if len(set(named)) == len(named):
            return Reading(MET)
        return Reading(BROKEN if step.verb == "distinct" else NOT_MET, why=f"{' and '.join(names)} are not distinct")

    def _named(self, name: str) -> Any:
        binding, _, what = name.partition("/")
        return self.bindings.events[binding].actor if what == "worker" else self.bindings.look_up(name)

    def _elapsed(self, value: dict[str, Any]) -> Reading:
        first, last = (self.bindings.events[value[key]] for key in ("from", "to"))
        begin, end = first.t_us / 1000, last.t_us / 1000
        scale = float(self.history.head.get("time_scale", 1))
        shortest, longest = value.get("min_ms", 0), value.get("max_ms")
        taken = end - begin
        told = f"{value['to']} came {taken:.0f} ms after {value['from']}"
        if taken < shortest:
            return Reading(BROKEN, why=f"{told}, before {shortest} ms")
        if longest is None or taken <= longest * scale:
            return Reading(MET)
        lost = self._lost_ms(first.n, last.n)
        if taken - lost <= longest * scale:
            return Reading(NOT_MET, why=f"{told}, and this machine did not let the kit run for {lost} ms of that")
        return Reading(BROKEN, why=f"{told}, later than {longest * scale:.0f} ms")

    def _lost_ms(self, first: int, last: int) -> int:
        """For how long between two events the kit itself was not running."""
        return sum(event.facts["ms"] for event in self.history.events[first:last] if event.kind == "late")


def refers_to_nothing(error: LookupError) -> HarnessError:
    """A case that uses what neither it nor the target's messages have: held against nobody."""
    return HarnessError(f"the case refers to what is not there: {error}")


def _untold(expected: Any, samples: list[Event]) -> Reading | None:
    """What is held against nobody, because the system does not tell it of a process."""
    untold = sorted(expected.keys() - wire.parsed(samples[0].data).keys()) if samples else []
    return Reading(NOT_MET, why=f"this system does not tell {' and '.join(untold)} of a process") if untold else None


def _ends(actor: str, unread: list[Event], *, ended: str | None, final: bool) -> Reading | None:
    """Whether an actor's output ends without another line."""
    if unread:
        return Reading(BROKEN, (unread[0],), why=_quoted(unread[0], "nothing was to come but the end"))
    if ended is not None:
        return Reading(MET)
    return Reading(BROKEN, why=f"{actor} was to be closed, and still is not", in_vain=True) if final else None


def _quoted(event: Event, why: str | None) -> str:
    return f"{wire.preview(event.data)}: {why}" if why else ""


def _nothing(expected: Any, others: list[Event], ended: str | None) -> str:
    came = f"; what came: {', '.join(wire.preview(event.data) for event in others[:3])}" if others else ""
    return f"expected {pattern.words(expected)}, but {ended or 'nothing came in time'}{came}"
