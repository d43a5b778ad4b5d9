"""The client without an event loop, on every backend."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import BusConfig, BusState, DockerOptions, InvalidStateError, StdioBus, TransportError

if TYPE_CHECKING:
    from tests.conftest import WorkerPool

STREAMS = """
for m in lines:
    if "id" not in m: continue
    for word in m.get("params", []): chunk(m["sessionId"], word)
    answer(m, {"method": m["method"]})
"""
ASKS = """
for m in lines:
    send({"jsonrpc": "2.0", "id": 7, "method": "ask", "sessionId": m["sessionId"]})
    answer(m, next(lines)["result"])
"""


def bus_of(backend: str, pool: Any, docker: DockerOptions) -> StdioBus:
    return StdioBus(BusConfig(pools=[pool]), backend=backend, timeout_ms=10_000, docker=docker)


def test_requests_streams_and_subscriptions_need_no_await(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    with bus_of(stdiobus_backend, worker(STREAMS), stdiobus_docker) as bus:
        notifications = bus.subscribe("w")
        assert bus.request("m", ["a", "b"]) == {"method": "m", "text": "ab"}
        assert [event.data for event in bus.stream_request("s", ["c"])] == ["c", {"method": "s", "text": "c"}]
        bus.notify("n")
        assert bus.send('{"method":"raw"}')
        assert (bus.get_pending_count(), bus.get_stats().messages_in) == (0, 4)
    assert len(list(notifications)) == 3
    assert bus.get_state() is BusState.STOPPED


@pytest.mark.asyncio
async def test_it_works_inside_a_running_loop(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    with bus_of(stdiobus_backend, worker(STREAMS), stdiobus_docker) as bus:
        assert bus.request("m") == {"method": "m"}


def test_its_thread_ends_with_it(stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool) -> None:
    before = threading.active_count()
    bus = bus_of(stdiobus_backend, worker(STREAMS), stdiobus_docker)
    assert threading.active_count() == before
    bus.start()
    assert threading.active_count() == before + 1
    bus.stop()
    bus.stop()
    assert threading.active_count() == before


def test_handlers_run_on_its_thread_and_may_respond_but_not_wait(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    refused: list[type[Exception]] = []

    def handle(request: dict[str, Any]) -> None:
        try:
            bus.request("again")
        except InvalidStateError as error:
            refused.append(type(error))
        bus.respond(request, threading.current_thread().name)

    with bus_of(stdiobus_backend, worker(ASKS), stdiobus_docker) as bus:
        bus.on_request(handle)
        assert bus.request("m") == "stdiobus"
    assert refused == [InvalidStateError]


def test_a_stream_may_be_closed_early(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    with bus_of(stdiobus_backend, worker("for m in lines: chunk(m['sessionId'], 'a')"), stdiobus_docker) as bus:
        stream = bus.stream_request("m")
        assert next(stream).data == "a"
        stream.close()
        assert list(stream) == []
        assert bus.get_pending_count() == 0
        bus.destroy()


def test_calls_before_and_after_its_life_say_so(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    bus = bus_of(stdiobus_backend, worker(STREAMS), stdiobus_docker)
    with pytest.raises(InvalidStateError, match="start"):
        bus.request("m")
    bus.start()
    with pytest.raises(InvalidStateError):
        bus.start()
    bus.stop()
    with pytest.raises(TransportError):
        bus.request("m")
    with pytest.raises(TransportError):
        list(bus.stream_request("m"))
    with pytest.raises(InvalidStateError):
        bus.start()
