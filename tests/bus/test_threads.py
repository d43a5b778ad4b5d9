"""Which thread and which loop do what, on every backend."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusState, InvalidStateError, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeBus, WorkerPool

BOUND_SEC = 10
WORDS = """
for m in lines:
    chunk(m["sessionId"], "a")
    if "id" in m and m["method"] != "open": answer(m, {})
"""


def elsewhere(work: Callable[[], object]) -> BaseException | None:
    """What a function raises on a thread of its own."""
    caught: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told to the test
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(BOUND_SEC)
    assert not thread.is_alive()
    return caught[0] if caught else None


def threads() -> set[str]:
    """Every thread of this process, also those that Python does not know."""
    names = {str(thread.ident) for thread in threading.enumerate()}
    return names | set(os.listdir("/proc/self/task")) if sys.platform == "linux" else names


@pytest.mark.asyncio
@pytest.mark.req("SDK-THR-04")
async def test_no_thread_is_created(make_bus: Callable[..., AsyncStdioBus], worker: WorkerPool) -> None:
    before, during = threads(), set()
    bus = make_bus([worker(WORDS)])
    await bus.start()
    subscription = bus.subscribe()
    bus.on_message(lambda _line: during.update(threads()))
    await bus.request("m")
    assert len([event async for event in bus.stream_request("m")]) == 2
    await bus.notify("m")
    await anext(subscription)
    during |= threads()
    await bus.stop(2)
    assert during | threads() <= before  # one of an earlier test may end meanwhile


@pytest.mark.asyncio
@pytest.mark.req("SDK-THR-04")
async def test_a_worker_that_cannot_start_leaves_no_thread(
    make_bus: Callable[..., AsyncStdioBus], worker: WorkerPool
) -> None:
    before = threads()
    pool = worker("")
    bus = make_bus([type(pool)(id="w", command="no-such-program-anywhere")])
    with pytest.raises(TransportError):
        await bus.start()
    assert threads() == before


@pytest.mark.req("SDK-THR-01")
async def test_another_thread_may_not_send(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    error = elsewhere(lambda: bus.send('{"method":"m"}'))
    assert isinstance(error, TransportError)
    assert "thread" in str(error)
    assert bus.get_stats().messages_in == 0


@pytest.mark.req("SDK-THR-01")
@pytest.mark.parametrize(
    "fact", ["get_stats", "get_worker_count", "get_client_count", "get_listen_address", "destroy", "subscribe"]
)
async def test_another_thread_may_not_reach_the_kernel(make_stdiobus: MakeBus, worker: WorkerPool, fact: str) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    error = elsewhere(getattr(bus, fact))
    assert isinstance(error, TransportError)
    assert "thread" in str(error)
    assert await bus.request("m") == {"text": "a"}


@pytest.mark.req("SDK-THR-01")
async def test_facts_can_be_read_anywhere_after_the_end(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    await bus.stop()
    assert elsewhere(bus.get_stats) is None
    assert elsewhere(bus.destroy) is None


@pytest.mark.req("SDK-THR-01")
async def test_every_call_into_the_kernel_is_on_the_loops_thread(
    make_stdiobus: MakeBus, worker: WorkerPool, stdiobus_backend: str
) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    backend: Any = bus._backend
    gate = {"native": "_lib", "subprocess": "_child", "docker": "_connection"}[stdiobus_backend]
    real, calls = getattr(backend, gate), set()

    class Watched:
        def __getattr__(self, name: str) -> Any:
            calls.add(threading.get_ident())
            return getattr(real, name)

    setattr(backend, gate, Watched())
    await bus.request("m")
    for call in (bus.get_stats, lambda: bus.send("{}"), bus.destroy, lambda: asyncio.run(bus.stop())):
        elsewhere(call)
    await bus.stop()
    assert calls == {threading.get_ident()}


@pytest.mark.req("SDK-THR-03")
async def test_another_event_loop_is_a_state_error(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(WORDS)])

    async def first(iterator: Any) -> None:
        await anext(iterator)

    running, subscription, filled = bus.stream_request("open"), bus.subscribe(), bus.subscribe()
    await bus.request("m", session_id="s")
    await anext(running)
    assert (await anext(subscription))["sessionId"] == "s"
    assert (await anext(subscription))["method"] == "session/update"
    calls: list[Callable[[], Any]] = [
        lambda: bus.request("m"),
        lambda: bus.notify("m"),
        bus.hello,
        lambda: bus.respond({"id": 1, "method": "m"}),
        bus.stop,
        lambda: first(bus.stream_request("m")),
        lambda: first(running),
        lambda: first(subscription),
        lambda: first(filled),
    ]

    def run_it(call: Callable[[], Any]) -> None:
        asyncio.run(asyncio.wait_for(call(), BOUND_SEC))

    errors = [elsewhere(functools.partial(run_it, call)) for call in calls]
    assert [type(error) for error in errors] == [InvalidStateError] * len(calls)
    assert (bus.get_state(), bus.get_pending_count()) == (BusState.RUNNING, 1)
    assert await bus.request("m", session_id="s") == {"text": "a"}
