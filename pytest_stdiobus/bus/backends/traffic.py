"""What passed between client and kernel, counted where the kernel's own counters cannot be read."""

from __future__ import annotations

from pytest_stdiobus.bus.types import BusStats


class Traffic:
    """Lines and bytes both ways."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._lines_in = self._lines_out = self._bytes_in = self._bytes_out = 0

    def sent(self, line: bytes) -> None:
        """Count a line to the kernel, with its LF."""
        self._lines_in += 1
        self._bytes_in += len(line) + 1

    def received(self, line: bytes) -> None:
        """Count a line from the kernel, with its LF."""
        self._lines_out += 1
        self._bytes_out += len(line) + 1

    def stats(self) -> BusStats:
        """The counters; the rest is the kernel's own knowledge (SDK-STA-01)."""
        return BusStats(
            messages_in=self._lines_in,
            messages_out=self._lines_out,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            worker_restarts=-1,
            routing_errors=-1,
            client_connects=-1,
            client_disconnects=-1,
        )
