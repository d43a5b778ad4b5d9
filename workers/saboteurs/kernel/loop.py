"""One thread that waits: for descriptors, for a moment, for a signal."""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import time
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_MOST = 4096


class Timer:
    """Something to do at a moment, unless it is cancelled before."""

    def __init__(self, call: Callable[[], None]) -> None:
        """Remember what to do."""
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Do nothing then."""
        self.call = None


class Loop:
    """Calls back when something can be read or written, when a moment has come, when a signal has."""

    def __init__(self) -> None:
        """Begin with nothing to wait for."""
        self.over = False
        self._selector = selectors.PollSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()

    def on_signals(self, call: Callable[[int], None], *numbers: int) -> None:
        """Call back for each of these signals."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda *_: None)

        def ready(_: int) -> None:
            for number in os.read(reading, _MOST):
                call(number)

        self.watch(reading, READ, ready)

    def watch(self, descriptor: int, events: int, call: Callable[[int], None]) -> None:
        """Wait for these events of a descriptor, and no longer for others; none is to forget it."""
        known = descriptor in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(descriptor)
        elif known:
            self._selector.modify(descriptor, events, call)
        else:
            self._selector.register(descriptor, events, call)

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Do something in a while."""
        timer = Timer(call)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def run(self, each_time: Callable[[], None]) -> None:
        """Wait and call back until it is over."""
        while not self.over:
            pause = max(self._timers[0][0] - time.monotonic(), 0) if self._timers else None
            for key, events in self._selector.select(pause):
                if key.fd in self._selector.get_map():
                    key.data(events)
            while self._timers and self._timers[0][0] <= time.monotonic():
                timer = heapq.heappop(self._timers)[2]
                if timer.call:
                    timer.call()
            each_time()
