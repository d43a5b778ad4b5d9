"""Moves bytes between the kit and what it judges, without ever blocking, and writes everything into the history."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import selectors
import termios
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.history import History

_READ_SIZE = 256 * 1024
_LATE_S = 0.25  # a wake-up this much too late is the machine's doing
MAX_OUTPUT = 64 * 1024 * 1024  # bytes of one case; then the stream counts as ended
MAX_LINES = 200_000
_STDERR_KEPT = 32 * 1024  # from its beginning, and as much from its end


class Lines:
    """Bytes in, lines out; the rest waits for its LF."""

    def __init__(self) -> None:
        """Begin empty."""
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without their LF."""
        *complete, rest = data.split(b"\n")
        if complete:
            complete[0] = b"".join([*self._parts, complete[0]])
            self._parts.clear()
        if rest:
            self._parts.append(rest)
        return complete

    def rest(self) -> bytes:
        """What came after the last LF."""
        return b"".join(self._parts)


@dataclass
class Channel:
    """One peer of the kit: the lines it sends and the bytes it is sent.

    Attributes:
        actor: its name in the history.
        reading: the descriptor its output is read from, -1 when there is none or it has ended.
        writing: the descriptor its input is written to, -1 when there is none or it is closed.
        stderr: whether its output is not lines but logs.
    """

    actor: str
    reading: int = -1
    writing: int = -1
    stderr: bool = False
    _lines: Lines = field(default_factory=Lines)
    _outgoing: deque[bytes] = field(default_factory=deque)
    _closing: bool = False
    _stalled: bool = False
    _received: int = 0
    _count: int = 0
    _tail: bytes = b""

    def send(self, data: bytes) -> None:
        """Queue bytes; the pump writes them as the peer takes them."""
        if data and self.writing >= 0:
            self._outgoing.append(data)

    def half_close(self) -> None:
        """Close the peer's input once everything queued is written."""
        self._closing = True

    def stall(self, *, stalled: bool) -> None:
        """Stop reading, or go on."""
        self._stalled = stalled

    @property
    def wants_read(self) -> bool:
        """Whether its output is to be watched."""
        return self.reading >= 0 and not self._stalled

    @property
    def wants_write(self) -> bool:
        """Whether something is to be written or closed."""
        return self.writing >= 0 and (bool(self._outgoing) or self._closing)

    @property
    def ended(self) -> bool:
        """Whether nothing more can be read."""
        return self.reading < 0

    def close(self) -> None:
        """Close both descriptors."""
        self._close_writing()
        if self.reading >= 0:
            os.close(self.reading)
            self.reading = -1

    def unread_by_peer(self) -> int:
        """How many bytes of its input the peer has not read; 0 where that cannot be known."""
        if self.writing < 0:
            return 0
        count = array.array("i", [0])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self.writing, termios.FIONREAD, count)
        return count[0]

    def flush(self, history: History) -> None:
        """Write what the peer takes now."""
        while self._outgoing:
            data = self._outgoing.popleft()
            try:
                written = os.write(self.writing, data)
            except BlockingIOError:
                self._outgoing.appendleft(data)
                return
            except OSError as error:
                history.add(self.actor, "harness", what="write", error=os.strerror(error.errno or 0))
                self._close_writing()
                return
            if written < len(data):
                self._outgoing.appendleft(data[written:])
                return
        history.add(self.actor, "accepted", dir="in")
        if self._closing:
            history.add(self.actor, "half_close", dir="in")
            self._close_writing()

    def receive(self, history: History) -> None:
        """Read what is there now."""
        try:
            data = os.read(self.reading, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._received += len(data)
        if self.stderr:
            self._log(data, history)
            return
        lines = self._lines.feed(data)
        self._count += len(lines)
        for line in lines:
            history.add(self.actor, "line", dir="out", data=line)
        if data and self._received <= MAX_OUTPUT and self._count <= MAX_LINES:
            return
        if rest := self._lines.rest():
            history.add(self.actor, "line", dir="out", data=rest, terminated=False)
        if data:
            history.add(self.actor, "harness", what="flood", bytes=self._received, lines=self._count)
        self._end(history)

    def _log(self, data: bytes, history: History) -> None:
        if not data:
            self._end(history)
        elif self._received <= _STDERR_KEPT:
            history.add(self.actor, "stderr", data=data)
        else:
            self._tail = (self._tail + data)[-_STDERR_KEPT:]

    def _end(self, history: History) -> None:
        if self._tail:
            history.add(self.actor, "stderr", data=self._tail, last_of=self._received)
        history.add(self.actor, "eof", dir="out", bytes=self._received)
        os.close(self.reading)
        self.reading = -1

    def _close_writing(self) -> None:
        self._outgoing.clear()
        self._closing = False
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


class Pump:
    """All channels of one case, and whatever else has to be watched."""

    def __init__(self, history: History) -> None:
        """Write into `history` what is observed."""
        self.history = history
        self.channels: list[Channel] = []
        self.late = False
        self._watched: dict[int, Callable[[], None]] = {}

    def add(self, channel: Channel) -> Channel:
        """Take care of a channel, whose descriptors belong to the pump from now on."""
        for descriptor in (channel.reading, channel.writing):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)
        self.channels.append(channel)
        return channel

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call `ready` when a descriptor can be read."""
        self._watched[descriptor] = ready

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Pump until `done` or the time is over; whether it was done."""
        deadline = time.monotonic() + seconds
        while not done():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            self._turn(remaining)
        return True

    def close(self) -> None:
        """Close every channel."""
        for channel in self.channels:
            channel.close()

    def _turn(self, seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for descriptor, ready in self._watched.items():
                selector.register(descriptor, selectors.EVENT_READ, ready)
            for channel in self.channels:
                if channel.wants_read:
                    selector.register(channel.reading, selectors.EVENT_READ, channel.receive)
                if channel.wants_write:
                    selector.register(channel.writing, selectors.EVENT_WRITE, channel.flush)
            begun = time.monotonic()
            events = selector.select(seconds)
        if not events and time.monotonic() - begun > seconds + _LATE_S:
            self.late = True
        for key, _ in events:
            if key.fd in self._watched:
                key.data()
            else:
                key.data(self.history)
