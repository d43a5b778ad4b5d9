"""A TCP connection to a kernel's listener, line by line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from pytest_stdiobus.bus.backends.lines import LineReader

if TYPE_CHECKING:
    from collections.abc import Callable


class Connection(asyncio.Protocol):
    """Delivers each line that arrives; writes never block, and all lines of a loop iteration go out together."""

    def __init__(self, line_received: Callable[[bytes], None], lost: Callable[[Exception | None], None]) -> None:
        """Remember whom to tell: about each line, and once about the end of the connection."""
        self._line_received = line_received
        self._lost = lost
        self._reader = LineReader()
        self._queue: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.Event()

    def write(self, line: bytes) -> None:
        """Queue a line and its LF."""
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._flush)
        self._queue += (line, b"\n")

    def abort(self) -> None:
        """Close at once; what is queued is lost."""
        self._queue.clear()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods alone

    def data_received(self, data: bytes) -> None:
        """Deliver the lines that are complete now."""
        for line in self._reader.feed(data):
            self._line_received(line)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the end."""
        self._transport = None
        self.closed.set()
        self._lost(exc)

    def _flush(self) -> None:
        queue, self._queue = self._queue, []
        if self._transport is not None:
            self._transport.write(b"".join(queue))
