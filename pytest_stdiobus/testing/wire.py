"""What crossed the wire of a test's buses."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KEPT_LINES = 10_000
_KEPT_CHARACTERS = 16 * 1024 * 1024
_SHOWN_LINES = 100
_SHOWN_CHARACTERS = 400
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class WireEntry:
    """One line.

    Attributes:
        time: seconds since the recording began.
        bus: the name of the bus: the fixture that made it, numbered for `make_stdiobus`.
        direction: ``out`` from the client, ``in`` to it.
        sender: ``client``, ``kernel``, or the pool's id; ``bus`` where it cannot be told.
        receiver: the same at the other end.
        line: the line without its LF.
    """

    time: float
    bus: str
    direction: str
    sender: str
    receiver: str
    line: str

    @cached_property
    def message(self) -> Any:
        """The JSON value on the line, or None where it is not JSON."""
        return _parsed(self.line)

    @property
    def method(self) -> str | None:
        """The method of a request or notification, else None."""
        return self.message.get("method") if isinstance(self.message, dict) else None


class BusWire:
    """The last lines of one bus: as they are when recorded, read when asked for."""

    def __init__(self, name: str, pools: tuple[str, ...], session: str | None, clock: Callable[[], float]) -> None:
        """Record a bus with these pools; `session` is its client's own session with the first of them."""
        self._name = name
        self._pools = pools
        self._session = session
        self._clock = clock
        self._lines: deque[tuple[float, str, str]] = deque()
        self._characters = 0
        self.dropped = 0

    def record(self, direction: str, line: str) -> None:
        """Keep a line; the oldest go when there are too many."""
        self._lines.append((self._clock(), direction, line))
        self._characters += len(line)
        while len(self._lines) > _KEPT_LINES or (self._characters > _KEPT_CHARACTERS and len(self._lines) > 1):
            self._characters -= len(self._lines.popleft()[2])
            self.dropped += 1

    def entries(self) -> Iterator[WireEntry]:
        """The lines in their order; a copy is read, because another thread may be recording."""
        pool_of: dict[Any, str] = {self._session: self._pools[0]} if self._session and self._pools else {}
        for when, direction, line in self._lines.copy():
            message = _parsed(line)
            peer = self._peer(message if isinstance(message, dict) else {}, pool_of)
            sender, receiver = ("client", peer) if direction == "out" else (peer, "client")
            yield WireEntry(when, self._name, direction, sender, receiver, line)

    def _peer(self, message: dict[str, Any], pool_of: dict[Any, str]) -> str:
        error = message.get("error")
        data = error.get("data") if isinstance(error, dict) else None
        if isinstance(data, dict) and data.get("source") == "stdio_bus":
            return "kernel"
        session, named = message.get("sessionId"), message.get("pool")
        if not isinstance(session, str):
            session = None
        if isinstance(named, str):
            pool_of[session] = named
            return named
        if len(self._pools) == 1:
            return self._pools[0]
        if session in pool_of:
            return pool_of[session]
        for pool in self._pools:
            if message.get("method") == pool or (session is not None and session == f"{self._session}:{pool}"):
                pool_of[session] = pool
                return pool
        return "bus"


class Wire:
    """Everything that crossed the wire of the buses that the fixtures made for a test, both ways."""

    def __init__(self) -> None:
        """Begin with no bus."""
        self._began = time.monotonic()
        self._buses: list[BusWire] = []

    def add_bus(self, name: str, pools: tuple[str, ...], session: str | None) -> BusWire:
        """Where the lines of one more bus go."""
        bus = BusWire(name, pools, session, lambda: time.monotonic() - self._began)
        self._buses.append(bus)
        return bus

    @property
    def entries(self) -> list[WireEntry]:
        """The lines of all buses in the order of their time."""
        return sorted((entry for bus in self._buses for entry in bus.entries()), key=lambda entry: entry.time)

    @property
    def sent(self) -> list[WireEntry]:
        """The lines that clients sent."""
        return [entry for entry in self.entries if entry.direction == "out"]

    @property
    def received(self) -> list[WireEntry]:
        """The lines that clients received."""
        return [entry for entry in self.entries if entry.direction == "in"]

    @property
    def dropped(self) -> int:
        """How many of the oldest lines were not kept: a bus keeps 10,000 lines and 16 Mi characters."""
        return sum(bus.dropped for bus in self._buses)

    def __str__(self) -> str:
        """The last lines for a reader; what is left out is said."""
        entries = self.entries
        shown = entries[-_SHOWN_LINES:]
        left_out = self.dropped + len(entries) - len(shown)
        several = len(self._buses) > 1
        width = max((len(_ways(entry)) for entry in shown), default=0)
        lines = [f"({left_out} earlier lines are left out)"] if left_out else []
        for entry in shown:
            bus = f"[{entry.bus}] " if several else ""
            lines.append(f"+{entry.time:.3f} {bus}{_ways(entry):{width}}  {shortened(entry.line)}")
        return "\n".join(lines)


def shortened(line: str, limit: int = _SHOWN_CHARACTERS) -> str:
    """A line that fits a report: bounded, and without characters that would move a terminal's cursor."""
    more = len(line) - limit
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line[:limit])
    return f"{text}... ({more} more characters)" if more > 0 else text


def _ways(entry: WireEntry) -> str:
    return f"{entry.sender} -> {entry.receiver}"


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
