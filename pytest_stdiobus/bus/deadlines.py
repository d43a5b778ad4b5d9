"""When requests must have been answered."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Container

_ROOM = 64


class Deadlines:
    """One timer of the event loop for all requests in flight.

    Nearly every request is answered long before its deadline, so that none has a timer of its own, and the
    deadlines of those that were answered are swept out together.
    """

    def __init__(self, open_ids: Container[str], expire: Callable[[str], object]) -> None:
        """Begin empty; `expire` is called with the id of a request whose time is over and that is still in `open_ids`."""
        self._open_ids = open_ids
        self._expire = expire
        self._heap: list[tuple[float, str]] = []
        self._sweep_at = _ROOM
        self._timer: asyncio.TimerHandle | None = None

    def add(self, loop: asyncio.AbstractEventLoop, message_id: str, seconds: float) -> None:
        """Note that a request must be answered so many seconds from now."""
        when = loop.time() + seconds
        if len(self._heap) >= self._sweep_at:
            self._sweep()
        heapq.heappush(self._heap, (when, message_id))
        if self._timer is None or when < self._timer.when():
            self._arm(loop)

    def __len__(self) -> int:
        """How many deadlines are kept, those of answered requests that were not swept out yet included."""
        return len(self._heap)

    def clear(self) -> None:
        """Forget every deadline."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if entry[1] in self._open_ids]
        heapq.heapify(self._heap)
        self._sweep_at = 2 * len(self._heap) + _ROOM

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(self._heap[0][0], self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        while self._heap and (self._heap[0][0] <= now or self._heap[0][1] not in self._open_ids):
            message_id = heapq.heappop(self._heap)[1]
            if message_id in self._open_ids:
                self._expire(message_id)
        if self._heap:
            self._arm(loop)
