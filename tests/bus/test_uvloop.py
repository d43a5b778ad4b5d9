"""The client on uvloop's event loop, which is no part of asyncio, on every backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, BusState, LimitsConfig, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.conftest import WorkerPool

    MakeNewBus = Callable[..., AsyncStdioBus]

uvloop = pytest.importorskip("uvloop", reason="uvloop is missing; it is in the extra dev")

Result = TypeVar("Result")
BOUND_SEC = 20
TALKS = """
for m in lines:
    if m["method"] == "die": sys.exit(3)
    for word in m.get("params", []): chunk(m["sessionId"], word)
    if m["method"] == "m": answer(m, {"fill": "x" * 1_000_000})
"""


def run(work: Coroutine[Any, Any, Result]) -> Result:
    loop = uvloop.new_event_loop()
    try:
        result: Result = loop.run_until_complete(work)
        return result
    finally:
        loop.close()


@pytest.mark.req("SDK-THR-02")
def test_a_native_bus_is_driven_by_its_descriptor(worker: WorkerPool) -> None:
    async def work() -> None:
        async with AsyncStdioBus(BusConfig(pools=[worker(TALKS)]), backend="native") as bus:
            backend: Any = bus._backend
            assert (await bus.request("m"))["fill"]
            assert backend._poll_fd >= 0
            assert backend._poll_timer is None

    run(work())


def test_requests_streams_and_subscriptions_are_served(make_bus: MakeNewBus, worker: WorkerPool) -> None:
    async def work() -> None:
        async with make_bus([worker(TALKS)]) as bus:
            subscription = bus.subscribe()
            requests = [bus.request("m", [str(n)], session_id=f"s{n}") for n in range(20)]
            assert [answer["text"] for answer in await asyncio.gather(*requests)] == [str(n) for n in range(20)]
            assert [event.text async for event in bus.stream_request("m", ["a", "é"])] == ["a", "é", None]
            long = "y" * 1_000_000
            assert (await bus.request("m", [long]))["text"] == long
        assert len([note async for note in subscription]) == 23
        assert bus.get_state() is BusState.STOPPED

    run(work())


def test_what_is_in_flight_fails_when_worker_or_kernel_die_or_the_bus_stops(
    make_bus: MakeNewBus, worker: WorkerPool, kill_kernel: Callable[[AsyncStdioBus], None]
) -> None:
    async def fails_by(how: Callable[[AsyncStdioBus], Any]) -> None:
        async with make_bus([worker(TALKS)], limits=LimitsConfig(drain_timeout_sec=0)) as bus:
            stream = bus.stream_request("open", ["a"])
            assert (await asyncio.wait_for(anext(stream), BOUND_SEC)).text == "a"
            waiting = [asyncio.ensure_future(bus.request("open")), asyncio.ensure_future(anext(stream))]
            await asyncio.sleep(0)
            how(bus)
            done, late = await asyncio.wait(waiting, timeout=BOUND_SEC)
            assert [type(task.exception()) for task in done] == [TransportError] * 2
            assert (late, bus.get_pending_count()) == (set(), 0)

    run(fails_by(lambda bus: bus.send('{"method":"die"}')))
    run(fails_by(lambda bus: bus.destroy()))
    run(fails_by(kill_kernel))


def test_a_command_that_does_not_exist_fails_the_start(make_bus: MakeNewBus, worker: WorkerPool) -> None:
    async def work() -> None:
        pool = worker("")
        bus = make_bus([type(pool)(id="w", command="no-such-program-anywhere")])
        with pytest.raises(TransportError, match="no-such-program-anywhere"):
            await bus.start()

    run(work())
