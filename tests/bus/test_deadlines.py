from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.asyncio


class SteppedLoop:
    """The part of an event loop that deadlines need; time passes only when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[SteppedTimer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *arguments: Any) -> SteppedTimer:
        self.timers.append(SteppedTimer(self, when, callback, arguments))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.timers and min(self.timers).time <= end:
            timer = min(self.timers)
            self.timers.remove(timer)
            self.now = max(self.now, timer.time)
            timer.callback(*timer.arguments)
        self.now = end


class SteppedTimer:
    def __init__(
        self, loop: SteppedLoop, when: float, callback: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        self.loop, self.time, self.callback, self.arguments = loop, when, callback, arguments

    def __lt__(self, other: SteppedTimer) -> bool:
        return self.time < other.time

    def when(self) -> float:
        return self.time

    def cancel(self) -> None:
        self.loop.timers.remove(self)


class Rig:
    def __init__(self) -> None:
        self.loop: Any = SteppedLoop()
        self.open: set[str] = set()
        self.expired: list[tuple[str, float]] = []
        self.deadlines = Deadlines(self.open, self._expire)

    def add(self, message_id: str, seconds: float) -> None:
        self.open.add(message_id)
        self.deadlines.add(self.loop, message_id, seconds)

    def _expire(self, message_id: str) -> None:
        self.expired.append((message_id, self.loop.now))


async def test_each_request_expires_at_its_own_time_whatever_the_order_they_came_in() -> None:
    rig = Rig()
    for message_id, seconds in [("a", 3.0), ("b", 1.0), ("c", 2.0), ("d", 1.5)]:
        rig.add(message_id, seconds)
    rig.loop.advance(5)
    assert rig.expired == [("b", 1.0), ("d", 1.5), ("c", 2.0), ("a", 3.0)]


async def test_what_was_answered_does_not_expire() -> None:
    rig = Rig()
    rig.add("a", 1)
    rig.add("b", 2)
    rig.open.discard("a")
    rig.loop.advance(5)
    assert rig.expired == [("b", 2)]
    assert not rig.loop.timers


async def test_there_is_one_timer_however_many_requests_are_open() -> None:
    rig = Rig()
    for number in range(1000):
        rig.add(str(number), 1000 - number)
        assert len(rig.loop.timers) == 1


async def test_answered_requests_do_not_pile_up() -> None:
    rig = Rig()
    for number in range(10_000):
        rig.add(str(number), 30)
        rig.open.discard(str(number))
    assert len(rig.deadlines) < 200


async def test_nothing_is_due_after_clear() -> None:
    rig = Rig()
    rig.add("a", 1)
    rig.deadlines.clear()
    assert not rig.loop.timers
    rig.add("b", 1)
    rig.loop.advance(1)
    assert rig.expired == [("b", 1)]


async def test_a_real_loop_serves() -> None:
    expired: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    deadlines = Deadlines({"a"}, expired.set_result)
    deadlines.add(asyncio.get_running_loop(), "a", 0.001)
    assert await asyncio.wait_for(expired, 10) == "a"
