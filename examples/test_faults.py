"""Faults between bus and worker: what a client must survive, on demand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import StreamEventType, TimeoutError, TransportError  # noqa: A004 - ours
from pytest_stdiobus.testing import echo_pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_stdiobus.bus import AsyncStdioBus, StdioBus
    from pytest_stdiobus.testing import Faults, Wire


async def test_a_slow_worker(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.delay(0.2)
    began = time.monotonic()
    await stdiobus.request("echo", {"message": "hi"})
    assert time.monotonic() - began >= 0.2


async def test_a_worker_that_hangs_is_a_timeout(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.stall()
    with pytest.raises(TimeoutError):
        await stdiobus.request("echo", timeout_ms=200)
    stdiobus_faults.resume()
    assert await stdiobus.request("echo", [1]) == {"echo": [1]}


async def test_the_first_answer_is_lost(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.drop("from_worker", match='"result"', count=1)
    with pytest.raises(TimeoutError):
        await stdiobus.request("echo", timeout_ms=200)
    assert await stdiobus.request("echo", [1]) == {"echo": [1]}


async def test_it_dies_at_a_certain_message(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.kill(match="poison")
    with pytest.raises(TransportError, match="worker_exited"):
        await stdiobus.request("echo", ["poison"])
    assert await stdiobus.request("echo", ["antidote"]) == {"echo": ["antidote"]}


async def test_a_torn_stream_is_put_together(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.slice(5, seconds=0.001)
    events = [event async for event in stdiobus.stream_request("stream", {"prompt": "word by word"})]
    assert "".join(event.data for event in events if event.type is StreamEventType.CHUNK) == "word by word"


async def test_garbage_is_not_passed_on(stdiobus: AsyncStdioBus, stdiobus_faults: Faults, stdiobus_wire: Wire) -> None:
    stdiobus_faults.garble(count=1)
    with pytest.raises(TimeoutError):
        await stdiobus.request("echo", ["lost"], timeout_ms=200)
    assert all(entry.message is not None for entry in stdiobus_wire.received)


async def test_a_loud_worker_is_no_slow_worker(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.flood_stderr(lines=2000)
    assert await stdiobus.request("echo", [1]) == {"echo": [1]}


async def test_one_of_two_pools_is_affected(
    make_stdiobus: Callable[..., Awaitable[AsyncStdioBus]], stdiobus_backend: str, stdiobus_faults: Faults
) -> None:
    sound = echo_pool(stdiobus_backend)
    bus = await make_stdiobus(pools=[sound, stdiobus_faults.wrap(replace(sound, id="ill"))])
    stdiobus_faults.drop()
    with pytest.raises(TimeoutError):
        await bus.request("ill", timeout_ms=200)
    assert await bus.request("echo", [1]) == {"echo": [1]}


def test_without_await(stdiobus_sync: StdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.delay(0.1, "to_worker")
    assert stdiobus_sync.request("echo", [1]) == {"echo": [1]}
    stdiobus_faults.reset()
