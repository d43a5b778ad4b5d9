"""One peer of the kit: the lines it sends, and the bytes it is sent; nothing here ever blocks."""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import socket
import termios
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.patience import Room

if TYPE_CHECKING:
    from pytest_stdiobus.kit.history import History

_READ_SIZE = 256 * 1024
_FLOOD_KEPT = 4096  # bytes of a line that has no end
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
        room: how much of its lines is read; beyond that the output counts as ended.
        is_closed: whether the kit has closed its input, or is about to.
        is_lost: whether its process has ended without the kit's doing.
    """

    actor: str
    reading: int = -1
    writing: int = -1
    stderr: bool = False
    room: Room = field(default_factory=Room)
    is_closed: bool = False
    is_lost: bool = False
    _lines: Lines = field(default_factory=Lines)
    _sent: Lines = field(default_factory=Lines)
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

    def author(self, line: bytes) -> str:  # noqa: ARG002 - for channels that several share
        """Whose line this is in the history."""
        return self.actor

    def completed_by(self, data: bytes) -> list[bytes]:
        """The lines that its input consists of so far and that end with these bytes, which are about to be sent."""
        return self._sent.feed(data)

    def half_close(self, history: History) -> None:
        """Close the peer's input once everything queued is written; a line without its LF counts as sent now."""
        self.cut(history)
        self.is_closed = self._closing = True

    def cut(self, history: History) -> None:
        """Take a line without its LF as sent, because its author ends."""
        if rest := self._sent.rest():
            history.add(self.actor, "line", dir="in", data=rest, terminated=False)
        self._sent = Lines()

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
        self.is_closed = True
        self._let_go()

    def lose(self) -> None:
        """Close both descriptors, because nobody is there any more."""
        self.is_lost = True
        self._let_go()

    def _let_go(self) -> None:
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
        for line in lines[: self.room.lines - self._count]:
            history.add(self.author(line), "line", dir="out", data=line)
        self._count += len(lines)
        if not data:
            if rest := self._lines.rest():
                history.add(self.actor, "line", dir="out", data=rest, terminated=False)
            self._end(history)
        elif self._received > self.room.size or self._count > self.room.lines:
            self._refuse_more(history)

    def _refuse_more(self, history: History) -> None:
        facts: dict[str, Any] = {"bytes": self._received, "lines": self._count}
        if self.room.shortened:
            facts["shortened"] = self.room.shortened
        history.add(self.actor, "harness", data=self._lines.rest()[:_FLOOD_KEPT], what="flood", **facts)
        self._end(history)

    def _log(self, data: bytes, history: History) -> None:
        if not data:
            self._end(history)
            return
        first = data[: max(_STDERR_KEPT - self._received + len(data), 0)]
        if first:
            history.add(self.actor, "stderr", data=first)
        if len(first) < len(data):
            self._tail = (self._tail + data[len(first) :])[-_STDERR_KEPT:]

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
            _close_input(self.writing)
            self.writing = -1


def _close_input(descriptor: int) -> None:
    """Close a descriptor; the other direction of a socket stays open under its own."""
    try:
        peer = socket.socket(fileno=descriptor)
    except OSError:  # a pipe
        os.close(descriptor)
        return
    with contextlib.suppress(OSError):  # the peer has gone
        peer.shutdown(socket.SHUT_WR)
    peer.close()
