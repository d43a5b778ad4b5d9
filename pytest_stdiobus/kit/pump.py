"""Moves bytes between the kit and what it judges, without ever blocking, and writes everything into the history."""

from __future__ import annotations

import os
import selectors
import time
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.history import KIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.history import History

_BEAT_S = 0.1  # how often the pump wakes while it waits
_LATE_S = 0.25  # a beat this much too late is the machine's doing
_NOTED_S = 0.05  # a beat this much too late is told


class Pump:
    """All channels of one case, and whatever else has to be watched.

    Where this process itself has not been running in time, the history says so, because a time that is measured over
    that is nobody's.

    Attributes:
        time_scale: a factor on every wait.
        late: whether a wait was given up in which that was so, so that nobody knows whose fault it was.
    """

    def __init__(self, history: History, time_scale: float = 1.0) -> None:
        """Write into `history` what is observed; `time_scale` is a factor on every wait, for slow machines."""
        self.history = history
        self.time_scale = time_scale
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

    def unwatch(self, descriptor: int) -> None:
        """Look at a descriptor no more."""
        self._watched.pop(descriptor, None)

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Pump until `done` or the time is over; whether it was done.

        What was there to be read when the time was over was in time.
        """
        deadline = time.monotonic() + seconds * self.time_scale
        heart = _Heart()
        while not done():
            remaining = deadline - time.monotonic()
            told = self._turn(min(max(remaining, 0), _BEAT_S))
            if late_ms := heart.beat():
                self.history.add(KIT, "late", ms=late_ms)
            if remaining <= 0 and not told and not done():
                self.late = self.late or heart.was_late
                return False
        return True

    def close(self) -> None:
        """Close every channel."""
        for channel in self.channels:
            channel.close()

    def _turn(self, seconds: float) -> bool:
        """Move what can be moved; whether lines or facts were there to read."""
        with selectors.DefaultSelector() as selector:
            for descriptor, ready in self._watched.items():
                selector.register(descriptor, selectors.EVENT_READ, ready)
            for channel in self.channels:
                if channel.wants_read:
                    selector.register(channel.reading, selectors.EVENT_READ, channel)
                if channel.wants_write:
                    selector.register(channel.writing, selectors.EVENT_WRITE, channel)
            events = selector.select(seconds)
        told = False
        for key, mask in events:
            if not isinstance(key.data, Channel):
                key.data()
                told = True
            elif mask & selectors.EVENT_READ:
                if key.data.wants_read:  # what came before it may have closed it
                    key.data.receive(self.history)
                told = told or not key.data.stderr
            elif key.data.wants_write:
                key.data.flush(self.history)
        return told


class _Heart:
    """Beats while a wait lasts: time that passed without this thread using or yielding it was taken from it."""

    def __init__(self) -> None:
        self.was_late = False
        self._last = time.monotonic(), time.thread_time()

    def beat(self) -> int:
        """How many milliseconds later than it should; 0 where that is little."""
        now, used = time.monotonic(), time.thread_time()
        late = now - self._last[0] - (used - self._last[1]) - _BEAT_S
        self.was_late = self.was_late or late > _LATE_S
        self._last = now, used
        return round(late * 1000) if late > _NOTED_S else 0
