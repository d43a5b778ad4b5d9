"""How a scripted worker introduces itself: one JSON line, with its standard descriptors (``workers/scripted.py``)."""

from __future__ import annotations

import array
import json
import os
import socket
from dataclasses import dataclass, field
from typing import Any

_MOST = 65536
_INT = array.array("i").itemsize
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)  # another thread may start a process at any moment


def listener_at(path: str) -> socket.socket:
    """A socket at a path, on which programs of the kit say who they are.

    Raises:
        OSError: the path is too long, or cannot be written.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
    except OSError:
        listener.close()
        raise
    listener.listen(1024)
    listener.setblocking(False)
    return listener


@dataclass
class Greeting:
    """One that has connected and not yet said everything.

    Attributes:
        control: the connection.
        descriptors: those that have come over it: its input, and its output.
    """

    control: socket.socket
    descriptors: list[int] = field(default_factory=list)
    _text: bytes = b""

    def read(self) -> dict[str, Any] | None:
        """What it says of itself; None while that is not complete, nothing when it has ended before."""
        try:
            data, ancillary, _, _ = self.control.recvmsg(_MOST, socket.CMSG_SPACE(2 * _INT), _CLOSE_ON_EXEC)
        except BlockingIOError:
            return None
        except OSError:
            data, ancillary = b"", []
        for _, _, rights in ancillary:
            received = array.array("i")
            received.frombytes(rights[: len(rights) - len(rights) % _INT])
            self.descriptors += received
        self._text += data
        if not data:
            return {}
        if not self._text.endswith(b"\n"):
            return None
        hello: dict[str, Any] = json.loads(self._text)
        return hello

    def close(self) -> None:
        """Let it end."""
        self.control.close()
        for descriptor in self.descriptors:
            os.close(descriptor)
