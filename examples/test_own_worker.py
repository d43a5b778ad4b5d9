"""A worker of one's own: what it answers, and what a test sees when it dies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BusConfig, PoolConfig, RemoteError, TransportError

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus

AGENTS = Path(__file__).parent / "agents"


@pytest.fixture
def stdiobus_config() -> BusConfig:
    """Every test of this module gets a bus with these pools."""
    pool = PoolConfig(id="calculator", command=sys.executable, args=[str(AGENTS / "calculator.py")], instances=2)
    return BusConfig(pools=[pool])


async def test_it_adds(stdiobus: AsyncStdioBus) -> None:
    assert await stdiobus.request("add", [1, 2, 3]) == 6


async def test_its_error_keeps_its_code(stdiobus: AsyncStdioBus) -> None:
    with pytest.raises(RemoteError) as caught:
        await stdiobus.request("divide", [1, 0])
    assert caught.value.code == -32601


async def test_when_it_dies_the_request_fails_and_the_next_is_served(stdiobus: AsyncStdioBus) -> None:
    with pytest.raises(TransportError, match="worker_exited"):
        await stdiobus.request("die")
    assert await stdiobus.request("add", [1, 2]) == 3
