"""What can be read of the kernel's log and of the workers' stderr."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, StdioBus, TransportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.conftest import WorkerPool

    MakeBus = Callable[..., Awaitable[AsyncStdioBus]]

BOUND_SEC = 10
SPEAKS = """
    request = next(lines)
    sys.stderr.write("last words\\n")
    sys.exit(3)
"""


async def test_the_end_of_a_worker_is_logged_with_its_status(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SPEAKS)])
    with pytest.raises(TransportError, match="exit status 3"):
        await bus.request("m")

    async def logged() -> None:
        while not any("worker w#0" in line and "exit status 3" in line for line in bus.get_log()):
            await asyncio.sleep(0)

    await asyncio.wait_for(logged(), BOUND_SEC)


def test_stderr_is_read_while_the_loop_does_not_run(worker: WorkerPool) -> None:
    loop = asyncio.new_event_loop()
    bus = AsyncStdioBus(BusConfig(pools=[worker(SPEAKS)]), backend="subprocess")
    loop.run_until_complete(bus.start())
    with pytest.raises(TransportError):
        loop.run_until_complete(bus.request("m"))
    assert "last words" in bus.get_log()
    loop.run_until_complete(bus.stop(1))
    loop.close()
    assert "last words" in bus.get_log()


def test_it_is_read_without_await_too(worker: WorkerPool) -> None:
    with StdioBus(BusConfig(pools=[worker(SPEAKS)]), backend="subprocess") as bus:
        with pytest.raises(TransportError):
            bus.request("m")
        assert "last words" in bus.get_log()
