"""The standard streams that a kernel is given, and the kit's ends of them."""

from __future__ import annotations

import fcntl
import os
import socket
import tty
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PIPES, SOCKET, TERMINAL, NULL = KINDS = ("pipes", "socket", "terminal", "null")


@dataclass
class Streams:
    """Three standard streams.

    Attributes:
        theirs: the kernel's stdin, stdout and stderr, which whoever starts it closes.
        reading: what the kernel writes to its stdout can be read here; -1 where nobody can.
        writing: what is written here is the kernel's stdin; -1 where nobody can.
        logs: what the kernel writes to its stderr can be read here.
        hangs_up: whether its input ends only together with its output, as that of a terminal does.
    """

    theirs: tuple[int, int, int]
    reading: int
    writing: int
    logs: int
    hangs_up: bool = False
    _kept: list[int] = field(default_factory=list)
    _flags: list[int] = field(default_factory=list)

    def watch_flags(self) -> Streams:
        """Keep the kernel's ends too, so that a change of their flags is seen; no end of a stream is seen until `let_go`."""
        self._kept = [os.dup(descriptor) for descriptor in self.theirs]
        self._flags = _flags_of(self._kept)
        return self

    def changed_flags(self) -> list[int]:
        """Which of the standard streams have other status flags than they had."""
        now = _flags_of(self._kept)
        return [number for number, (was, flags) in enumerate(zip(self._flags, now, strict=True)) if was != flags]

    def let_go(self) -> None:
        """Close the kernel's ends."""
        for descriptor in self._kept:
            os.close(descriptor)
        self._kept, self._flags = [], []


def streams_of(kind: str) -> Streams:
    """Streams of a kind; their flags are watched where a case names it."""
    logs, stderr = os.pipe()
    stdin, stdout, reading, writing = _KINDS.get(kind, _pipes)()
    made = Streams((stdin, stdout, stderr), reading, writing, logs, hangs_up=kind == TERMINAL)
    return made.watch_flags() if kind else made


def _pipes() -> tuple[int, int, int, int]:
    (stdin, writing), (reading, stdout) = os.pipe(), os.pipe()
    return stdin, stdout, reading, writing


def _socket() -> tuple[int, int, int, int]:
    ours, theirs = (end.detach() for end in socket.socketpair())
    return theirs, os.dup(theirs), ours, os.dup(ours)


def _terminal() -> tuple[int, int, int, int]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    return theirs, os.dup(theirs), ours, os.dup(ours)


def _null() -> tuple[int, int, int, int]:
    return os.open(os.devnull, os.O_RDWR), os.open(os.devnull, os.O_RDWR), -1, -1


_KINDS: dict[str, Callable[[], tuple[int, int, int, int]]] = {
    PIPES: _pipes,
    SOCKET: _socket,
    TERMINAL: _terminal,
    NULL: _null,
}


def _flags_of(descriptors: list[int]) -> list[int]:
    return [fcntl.fcntl(descriptor, fcntl.F_GETFL) for descriptor in descriptors]
