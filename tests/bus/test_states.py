"""Every state of a bus, every way from one to another, and what can be done in each, on every backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusState, InvalidStateError, PoolConfig, StdioBusError, TransportError
from pytest_stdiobus.bus.backends.base import Backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import WorkerPool

    MakeNewBus = Callable[..., AsyncStdioBus]
    TakeTime = Callable[[AsyncStdioBus], None]

pytestmark = pytest.mark.asyncio
BOUND_SEC = 10
ECHO = "for m in lines: answer(m, {})"
CREATED, STARTING, RUNNING, STOPPING, STOPPED = BusState


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[BusState]:
    """The states that a bus enters, as it enters them."""
    entered: list[BusState] = []

    def note(backend: Backend, name: str, value: Any) -> None:
        if name == "state" and value is not backend.state:
            entered.append(value)
        object.__setattr__(backend, name, value)

    monkeypatch.setattr(Backend, "__setattr__", note)
    return entered


@pytest.mark.req("SDK-STA-01")
async def test_a_bus_is_created_starting_running_stopping_and_stopped(
    make_bus: MakeNewBus, worker: WorkerPool, take_time: TakeTime, ways: list[BusState]
) -> None:
    bus = make_bus([worker(ECHO)])
    take_time(bus)
    assert (bus.get_state(), bus.is_running()) == (CREATED, False)
    starting = asyncio.ensure_future(bus.start())
    await asyncio.sleep(0)
    assert (bus.get_state(), bus.is_running()) == (STARTING, False)
    await starting
    assert (bus.get_state(), bus.is_running()) == (RUNNING, True)
    await bus.stop()
    assert (bus.get_state(), bus.is_running()) == (STOPPED, False)
    await bus.stop()
    bus.destroy()
    assert ways == [STARTING, RUNNING, STOPPING, STOPPED]


@pytest.mark.req("SDK-STA-01")
@pytest.mark.parametrize("end", ["stop", "destroy", "cancel"])
async def test_a_start_can_be_given_up(
    make_bus: MakeNewBus, worker: WorkerPool, take_time: TakeTime, ways: list[BusState], end: str
) -> None:
    bus = make_bus([worker(ECHO)])
    take_time(bus)
    starting = asyncio.ensure_future(bus.start())
    await asyncio.sleep(0)
    assert bus.get_state() is STARTING
    if end == "stop":
        await bus.stop(1)
    elif end == "destroy":
        bus.destroy()
    else:
        starting.cancel()
    with pytest.raises((StdioBusError, asyncio.CancelledError)):
        await asyncio.wait_for(starting, BOUND_SEC)
    assert bus.get_state() is STOPPED
    assert RUNNING not in ways


@pytest.mark.req("SDK-STA-01")
async def test_a_bus_that_ends_as_soon_as_it_serves_has_not_started(make_bus: MakeNewBus, worker: WorkerPool) -> None:
    bus = make_bus([worker(ECHO)])
    backend: Any = bus._backend
    start = backend.start

    async def start_and_end() -> None:
        await start()
        bus.destroy()

    backend.start = start_and_end
    with pytest.raises(TransportError, match="stopped"):
        await bus.start()


@pytest.mark.req("SDK-STA-01")
async def test_a_failed_start_is_the_end(make_bus: MakeNewBus, ways: list[BusState]) -> None:
    bus = make_bus([PoolConfig(id="w", command="no-such-program-anywhere")])
    subscription = bus.subscribe()
    with pytest.raises(TransportError):
        await bus.start()
    assert ways == [STARTING, STOPPED]
    assert [note async for note in subscription] == []
    with pytest.raises(TransportError):
        bus.subscribe()
    with pytest.raises(InvalidStateError):
        await bus.start()


@pytest.mark.req("SDK-STA-01")
@pytest.mark.parametrize("state", [CREATED, RUNNING, STOPPING])
async def test_destroy_is_the_end_in_every_state(
    make_bus: MakeNewBus, worker: WorkerPool, ways: list[BusState], state: BusState
) -> None:
    bus = make_bus([worker("import signal; signal.signal(15, signal.SIG_IGN)\nfor m in lines: answer(m, {})")])
    if state is not CREATED:
        await bus.start()
        await bus.request("m")
    stopping = asyncio.ensure_future(bus.stop(BOUND_SEC) if state is STOPPING else asyncio.sleep(0))
    await asyncio.sleep(0)
    assert bus.get_state() is state
    bus.destroy()
    assert bus.get_state() is STOPPED
    await asyncio.wait_for(stopping, BOUND_SEC)
    assert ways[-1] is STOPPED
    assert ways.count(STOPPED) == 1


@pytest.mark.req("SDK-STA-01", "SDK-CAN-06")
async def test_the_death_of_the_kernel_leads_from_running_to_stopped(
    make_bus: MakeNewBus, worker: WorkerPool, ways: list[BusState], kill_kernel: Callable[[AsyncStdioBus], None]
) -> None:
    bus = make_bus([worker("for m in lines: pass")])
    await bus.start()
    waiting = asyncio.ensure_future(bus.request("m"))
    await asyncio.sleep(0)
    kill_kernel(bus)
    with pytest.raises(TransportError):
        await asyncio.wait_for(waiting, BOUND_SEC)
    while bus.get_state() is RUNNING:  # the request may fail a step before the kernel has ended
        await asyncio.sleep(0)
    assert ways == [STARTING, RUNNING, STOPPED]
    await bus.stop()


CALLS: dict[str, Callable[[AsyncStdioBus], Any]] = {
    "request": lambda bus: bus.request("m"),
    "stream": lambda bus: anext(bus.stream_request("m")),
    "notify": lambda bus: bus.notify("m"),
    "hello": lambda bus: bus.hello(),
    "respond": lambda bus: bus.respond({"id": 1, "method": "m"}),
}


@pytest.mark.req("SDK-STA-01", "SDK-CAN-06")
@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        (CREATED, (InvalidStateError, "CREATED: await start")),
        (STARTING, (InvalidStateError, "STARTING: await start")),
        (STOPPING, (TransportError, "shutting down")),
        (STOPPED, (TransportError, "stopped")),
    ],
)
async def test_calls_are_refused_in_every_state_but_running(
    make_bus: MakeNewBus,
    worker: WorkerPool,
    take_time: TakeTime,
    state: BusState,
    refusal: tuple[type[StdioBusError], str],
) -> None:
    error, says = refusal
    bus = make_bus([worker(ECHO)])
    take_time(bus)
    work: asyncio.Future[None] = asyncio.ensure_future(bus.start() if state is not CREATED else asyncio.sleep(0))
    await asyncio.sleep(0)
    if state >= STOPPING:
        await work
        work = asyncio.ensure_future(bus.stop())
        await (work if state is STOPPED else asyncio.sleep(0))
    assert bus.get_state() is state
    for call in CALLS.values():
        with pytest.raises(error, match=says):
            call(bus).send(None)  # without the loop, in which the state would go on
    with pytest.raises(error, match=says):
        bus.send("{}")
    assert bus.get_pending_count() == 0
    if state is not CREATED:
        with pytest.raises(InvalidStateError, match="starts once"):
            await bus.start()
    await work
    await bus.stop()
