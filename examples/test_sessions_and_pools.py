"""Several kinds of workers behind one bus, several copies of each, and conversations that stay with one copy."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BusConfig, InvalidArgumentError, PoolConfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_stdiobus.bus import AsyncStdioBus

AGENTS = Path(__file__).parent / "agents"


@pytest.fixture
def stdiobus_config() -> BusConfig:
    counter = PoolConfig(id="counter", command=sys.executable, args=[str(AGENTS / "counter.py")], instances=2)
    calculator = PoolConfig(id="calculator", command=sys.executable, args=[str(AGENTS / "calculator.py")])
    return BusConfig(pools=[counter, calculator])


async def test_a_request_names_its_pool(stdiobus: AsyncStdioBus) -> None:
    assert await stdiobus.request("add", [1, 2], pool="calculator") == 3


async def test_with_several_pools_a_request_that_names_none_is_refused(stdiobus: AsyncStdioBus) -> None:
    with pytest.raises(InvalidArgumentError, match="counter, calculator"):
        await stdiobus.request("add", [1, 2])


async def test_a_session_stays_with_one_worker(stdiobus: AsyncStdioBus) -> None:
    counts = [await stdiobus.request("next", pool="counter", session_id="alice") for _ in range(3)]
    assert [count["number"] for count in counts] == [1, 2, 3]
    assert len({count["process"] for count in counts}) == 1


async def test_sessions_are_shared_out_among_the_workers(stdiobus: AsyncStdioBus) -> None:
    alice, bob = await asyncio.gather(
        stdiobus.request("next", pool="counter", session_id="alice"),
        stdiobus.request("next", pool="counter", session_id="bob"),
    )
    assert alice["process"] != bob["process"]


async def test_a_bus_of_its_own_for_one_test(make_stdiobus: Callable[..., Awaitable[AsyncStdioBus]]) -> None:
    first, second = await make_stdiobus(), await make_stdiobus()
    await first.request("echo")
    assert (first.get_stats().messages_in, second.get_stats().messages_in) == (1, 0)
