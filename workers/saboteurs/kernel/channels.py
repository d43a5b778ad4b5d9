"""A peer's streams: bytes in, cut into lines; lines out, as much at a time as the peer takes."""

from __future__ import annotations

import os
import select
from collections import deque

from loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from loop import Loop

_READ_SIZE = 64 * 1024
_PIPE_BUF = 4096  # as much can be written to a descriptor that blocks, once it is writable


class Line:
    """A line without its end."""

    def __init__(self, data: bytes, *, cut: bool = False) -> None:
        """Hold its bytes; `cut` where they are only the beginning of a line that is too long."""
        self.data = data
        self.cut = cut


class Lines:
    """Cuts what was read into lines."""

    def __init__(self, longest: int) -> None:
        """Begin with nothing; a line may have so many bytes without its LF."""
        self.longest = longest
        self._rest = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[Line]:
        """The lines that are complete now."""
        *heads, tail = data.split(b"\n")
        found: list[Line] = []
        for head in heads:
            found += self.part(head)
            if not self._skipping:
                found += self.line(bytes(self._rest))
            self.restart()
        return found + self.part(tail)

    def part(self, data: bytes) -> list[Line]:
        """Keep a part of a line, or refuse the line once it is too long."""
        if self._skipping:
            return []
        self._rest += data
        if not self.is_too_long(len(self._rest)):
            return []
        self._skipping = True
        return [Line(bytes(self._rest[: self.longest]), cut=True)]

    def is_too_long(self, size: int) -> bool:
        """Whether a line may not have this many bytes."""
        return size > self.longest

    def restart(self) -> None:
        """Begin the next line."""
        self._rest.clear()
        self._skipping = False

    def line(self, data: bytes) -> list[Line]:
        """A line as it is forwarded: none where it is empty."""
        data = data.removesuffix(b"\r")
        return [Line(data)] if data else []

    def last(self) -> list[Line]:
        """What the end of the input leaves, which needs no LF."""
        rest, skipping = bytes(self._rest), self._skipping
        self.restart()
        return [] if skipping else self.line(rest)


class Channel:
    """Two descriptors, or one that is both; who owns it says what becomes of its lines."""

    def __init__(self, loop: Loop, lines: Lines, reading: int, writing: int, *, inherited: bool = False) -> None:
        """Take the descriptors; those that are not `inherited` are made not to block."""
        self.queue: deque[memoryview] = deque()
        self.queued = 0  # bytes that wait
        self.total = 0  # bytes that were ever queued
        self.wants_lines = True
        self.on_lines: Callable[[list[Line]], None] = lambda _: None
        self.on_end: Callable[[], None] = lambda: None
        self.on_room: Callable[[], None] = lambda: None
        self.on_broken: Callable[[], None] = lambda: None
        self._loop = loop
        self._lines = lines
        self._reading = reading
        self._writing = writing
        self._most = _PIPE_BUF if inherited else 1 << 30
        self._inherited = inherited
        if not inherited:
            for descriptor in {reading, writing}:
                os.set_blocking(descriptor, False)
        self.attend()

    @property
    def written(self) -> int:
        """How many of the queued bytes have gone."""
        return self.total - self.queued

    @property
    def ended(self) -> bool:
        """Whether nothing more will be read."""
        return self._reading < 0

    @property
    def is_broken(self) -> bool:
        """Whether nothing can be written any more."""
        return self._writing < 0

    @property
    def is_hung_up(self) -> bool:
        """Whether the peer has closed both directions, as far as the system tells."""
        probe = select.poll()
        probe.register(self._writing, 0)
        return bool(probe.poll(0))

    def attend(self) -> None:
        """Wait for what is wanted now, and for nothing else."""
        wanted: dict[int, int] = {}
        for descriptor in (self._reading, self._writing):
            if descriptor >= 0:
                wanted[descriptor] = 0
        if self._reading >= 0 and self.wants_lines:
            wanted[self._reading] |= READ
        if self._writing >= 0 and self.queue:
            wanted[self._writing] |= WRITE
        for descriptor, events in wanted.items():
            self._loop.watch(descriptor, events, self._ready)

    def pause(self, *, paused: bool) -> None:
        """Read no more for a while, or go on."""
        self.wants_lines = not paused
        self.attend()

    def send(self, line: bytes) -> None:
        """Queue a line; a peer that is not there any more gets none."""
        if self._writing < 0:
            return
        data = self.framed(line)
        self.queue.append(memoryview(data))
        self.queued += len(data)
        self.total += len(data)
        self.attend()

    def framed(self, line: bytes) -> bytes:
        """A line with its end."""
        return line + b"\n"

    def finish_input(self) -> None:
        """Read what can still be read, and take it for the end."""
        while self._reading >= 0 and self.read_some():
            pass
        if self._reading >= 0:
            self.end_input()

    def end_output(self) -> None:
        """Close what is written to; what waits is dropped."""
        if self._writing >= 0:
            self._loop.watch(self._writing, 0, self._ready)
            if self._writing != self._reading and not self._inherited:
                os.close(self._writing)
            self._writing = -1
        self.queue.clear()
        self.queued = 0

    def close(self) -> None:
        """Close both."""
        reading = self._reading
        self.end_output()
        if reading >= 0:
            self._loop.watch(reading, 0, self._ready)
            self._reading = -1
            if not self._inherited:
                os.close(reading)

    def read_some(self) -> bool:
        """Read once; whether there may be more."""
        try:
            data = os.read(self._reading, _READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data:
            self.on_lines(self._lines.feed(data))
            return True
        self.end_input()
        return False

    def end_input(self) -> None:
        """Nothing more will come."""
        reading, self._reading = self._reading, -1
        if reading != self._writing:
            self._loop.watch(reading, 0, self._ready)
            if not self._inherited:
                os.close(reading)
        self.attend()
        self.on_lines(self._lines.last())
        self.on_end()

    def _ready(self, events: int) -> None:
        if events & WRITE and self.queue:
            self._write_some()
        if events & READ and self._reading >= 0 and self.wants_lines:
            self.read_some()

    def _write_some(self) -> None:
        try:
            while self.queue:
                taken = os.write(self._writing, self.queue[0][: self._most])
                self.took(taken)
                if self._inherited:
                    break
        except BlockingIOError:
            pass
        except OSError:
            self.end_output()
            self.on_broken()
            return
        self.attend()
        self.on_room()

    def took(self, count: int) -> None:
        """The peer has taken so many bytes of the first line that waits."""
        self.queued -= count
        self.queue[0] = self.queue[0][count:]
        if not self.queue[0]:
            self.queue.popleft()
