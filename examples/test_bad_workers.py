"""Bad workers: what a client must survive from workers that break a rule."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import PoolConfig, TimeoutError, TransportError  # noqa: A004 - ours

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_stdiobus.bus import AsyncStdioBus

    Make = Callable[..., Awaitable[AsyncStdioBus]]


def bad(name: str, *arguments: str) -> PoolConfig:
    command = ["-m", "pytest_stdiobus.workers.saboteur", name, *arguments]
    return PoolConfig(id="bad", command=sys.executable, args=command)


async def test_a_worker_that_prints_to_stdout_answers_all_the_same(make_stdiobus: Make) -> None:
    bus = await make_stdiobus(pools=[bad("banner")])
    assert await bus.request("echo", ["hi"]) == {"echo": ["hi"]}


async def test_an_answer_in_a_buffer_is_a_timeout(make_stdiobus: Make) -> None:
    bus = await make_stdiobus(pools=[bad("block_buffered")])
    with pytest.raises(TimeoutError):
        await bus.request("echo", timeout_ms=300)


async def test_a_late_chunk_does_not_leave_its_session(make_stdiobus: Make) -> None:
    bus = await make_stdiobus(pools=[bad("late_chunk")])
    for session, prompt in (("a", "one"), ("b", "two")):
        result = await bus.request("stream", {"prompt": prompt}, session_id=session)
        assert result["text"] == prompt


async def test_a_failure_is_told_at_once_with_its_status(make_stdiobus: Make) -> None:
    bus = await make_stdiobus(pools=[bad("crashes_silently")])
    with pytest.raises(TransportError, match="worker_exited"):
        await bus.request("crash")


async def test_without_its_fault_it_is_a_worker_like_any_other(make_stdiobus: Make) -> None:
    bus = await make_stdiobus(pools=[bad("block_buffered", "--honest")])
    assert await bus.request("echo", ["hi"]) == {"echo": ["hi"]}
