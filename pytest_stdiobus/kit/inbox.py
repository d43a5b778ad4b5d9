"""What has been observed and not been read: the lines of each actor, and who will write no more."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.history import ADAPTER, CALL, POOL, TARGET, USAGE, WORKER, Event, History

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Inbox:
    """The unread part of a history, as far as it has been looked at.

    Attributes:
        history: what has been observed so far.
        messages_only: whether lines that are no message are for nobody.
    """

    history: History
    messages_only: bool = False
    _visible: int = 0  # so many events have been sorted into the three below
    _unread: defaultdict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _ended: set[str] = field(default_factory=set)
    _cut: str = ""

    def look(self, upto: int) -> None:
        """Sort in the first `upto` events; from call to call that never becomes less."""
        for event in self.history.events[self._visible : upto]:
            if event.kind in {"eof", "exit"}:  # whoever has exited has closed its streams
                self._ended |= {event.actor, *([USAGE] if event.actor == TARGET and event.kind == "exit" else [])}
            elif event.kind == "harness":
                self._cut = _refused(event) or self._cut
            if (reader := _reader(event)) and not self._is_noise(event):
                self._unread[reader].append(event)
        self._visible = max(self._visible, upto)

    def unread(self, actor: str) -> list[Event]:
        """The lines of an actor, or the facts about a process, that no step has read."""
        everyone = self._unread[pool_of(actor)]
        return everyone if pool_of(actor) == actor else [event for event in everyone if event.actor == actor]

    def forget(self, actor: str, read: Sequence[Event]) -> None:
        """Take out what a step has read."""
        everyone, gone = self._unread[pool_of(actor)], {event.n for event in read}
        everyone[:] = [event for event in everyone if event.n not in gone]

    def end_of(self, actor: str) -> str | None:
        """Why no more will come from an actor; None while it may."""
        author = {POOL: TARGET, CALL: ADAPTER}.get(actor.partition(":")[0], actor)
        if author not in self._ended:
            return None
        if self._cut:
            return self._cut
        exits = []
        for event in self.history.events:
            if event.kind == "ending":
                break
            if event.kind == "exit" and event.actor == TARGET:
                exits.append(event.facts)
        return f"it has {_how_it_ended(exits[-1])}" if exits else "it has closed its output"

    def _is_noise(self, event: Event) -> bool:
        if not self.messages_only or event.kind != "line":
            return False
        message = wire.parsed(event.data)
        return message is None or wire.is_no_message(message)


def pool_of(actor: str) -> str:
    """Whose lines are kept together: ``pool:ID`` for any worker of a pool, everyone else's are its own."""
    kind, _, name = actor.partition(":")
    return f"{POOL}:{name.split('/')[0]}" if kind == WORKER else actor


def _reader(event: Event) -> str:
    """Which actor's reader an event is for, if any."""
    if event.kind == "exit" and event.actor == TARGET:
        return f"{TARGET}:process"
    if event.kind == "sample":
        return USAGE
    return pool_of(event.actor) if event.kind == "line" and event.dir == "out" else ""


def _how_it_ended(facts: dict[str, Any]) -> str:
    if "signal" in facts:
        return f"been ended by {facts['signal']}"
    return f"exited with status {facts['code']}"


def _refused(event: Event) -> str:
    """Why the kit itself sees to it that nothing more comes."""
    if event.facts["what"] == "flood":
        size, count = event.facts["bytes"], event.facts["lines"]
        return f"its output has no end: it was read no further than {size} bytes in {count} lines"
    return ""
