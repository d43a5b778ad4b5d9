"""The client over a real kernel and scripted workers, on every backend."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    BusState,
    DockerOptions,
    InvalidArgumentError,
    InvalidStateError,
    LimitsConfig,
    NativeOptions,
    PoolConfig,
    RemoteError,
    TimeoutError,  # noqa: A004 - ours
    TransportError,
)

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool

ECHO = "for m in lines: answer(m, m)"
SILENT = "for m in lines: pass"
BOUND_SEC = 10


@pytest.mark.req("SDK-AGG-01")
async def test_text_is_aggregated_in_order(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    for m in lines:
        for word in m["params"]: chunk(m["sessionId"], word)
        answer(m, {"stopReason": "end_turn"})
    """
    bus = await make_stdiobus([worker(code)])
    assert await bus.request("m", ["a", " ", "bc"]) == {"stopReason": "end_turn", "text": "a bc"}


@pytest.mark.req("SDK-ERR-02")
async def test_a_worker_error_keeps_its_code(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    for m in lines:
        send({"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "error": {"code": 3, "message": "no", "data": 7}})
    """
    bus = await make_stdiobus([worker(code)])
    with pytest.raises(RemoteError) as caught:
        await bus.request("m")
    assert (caught.value.code, caught.value.message, caught.value.data) == (3, "no", 7)


@pytest.mark.req("SDK-CAN-03")
async def test_a_timeout_leaves_nothing_behind(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SILENT)])
    with pytest.raises(TimeoutError, match="20 ms"):
        await bus.request("m", timeout_ms=20)
    assert bus.get_pending_count() == 0


@pytest.mark.req("SDK-CAN-03")
async def test_a_cancelled_request_leaves_nothing_behind(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SILENT)])
    task = asyncio.create_task(bus.request("m"))
    await asyncio.sleep(0)
    assert bus.get_pending_count() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bus.get_pending_count() == 0


@pytest.mark.req("SDK-CAN-03")
async def test_a_request_that_cannot_be_handed_over_leaves_nothing_behind(
    make_stdiobus: MakeBus, worker: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await make_stdiobus([worker(ECHO)])

    def refuse(line: bytes) -> None:
        message = f"{len(line)} bytes: no"
        raise TransportError(message)

    monkeypatch.setattr(bus._backend, "send", refuse)
    with pytest.raises(TransportError, match="no"):
        await bus.request("m")
    assert (bus._calls._calls, bus._calls._sessions) == ({}, {})


@pytest.mark.asyncio
async def test_calls_before_start_are_a_state_error(stdiobus_backend: str, worker: WorkerPool) -> None:
    bus = AsyncStdioBus(BusConfig(pools=[worker(ECHO)]), backend=stdiobus_backend)
    assert bus.get_state() is BusState.CREATED
    with pytest.raises(InvalidStateError, match="start"):
        await bus.request("m")
    with pytest.raises(InvalidStateError, match="start"):
        bus.send("{}")
    await bus.stop()


async def test_a_bus_is_not_started_twice(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    with pytest.raises(InvalidStateError):
        await bus.start()


async def test_a_message_above_the_limit_is_refused_at_once(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)], limits=LimitsConfig(max_input_buffer=4096))
    with pytest.raises(InvalidArgumentError, match="max_input_buffer is 4096"):
        await bus.request("m", ["x" * 5000])
    assert bus.get_pending_count() == 0


@pytest.mark.parametrize("arguments", [("m", object()), ("m", 1), (1, {}), ("m", [float("nan")])])
async def test_arguments_that_cannot_be_sent_are_refused(
    make_stdiobus: MakeBus, worker: WorkerPool, arguments: tuple[Any, Any]
) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    with pytest.raises(InvalidArgumentError):
        await bus.request(*arguments)


@pytest.mark.req("SDK-SUB-04")
async def test_handlers_see_lines_and_a_failing_one_harms_nobody(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    for m in lines:
        chunk(m["sessionId"], "a")
        answer(m, {})
    """
    bus = await make_stdiobus([worker(code)])
    everything: list[str] = []
    notifications: list[str] = []
    bus.on_message(lambda _line: 1 / 0)
    bus.on_message(everything.append)
    bus.on_notification(notifications.append)
    await bus.request("m")
    assert len(everything) == 2
    assert notifications == everything[:1]


@pytest.mark.parametrize("line", ["", "[]", "{", '{"method":\n"m"}', '{"method":"\ud800"}', '{"a":NaN}'])
async def test_a_raw_line_is_one_json_object(make_stdiobus: MakeBus, worker: WorkerPool, line: str) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    with pytest.raises(InvalidArgumentError):
        bus.send(line)


async def test_a_workers_own_request_is_answered_method_not_found(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    m = next(lines)
    send({"jsonrpc": "2.0", "id": 0, "method": "ask", "sessionId": m["sessionId"]})
    answer(m, next(lines))
    next(lines, None)
    """
    bus = await make_stdiobus([worker(code)])
    assert (await bus.request("m"))["error"]["code"] == -32601


@pytest.mark.req("SDK-STA-01")
@pytest.mark.asyncio
async def test_a_command_that_does_not_exist_fails_the_start(stdiobus_backend: str) -> None:
    config = BusConfig(pools=[PoolConfig(id="w", command="no-such-program-anywhere")])
    bus = AsyncStdioBus(config, backend=stdiobus_backend)
    with pytest.raises(TransportError, match="no-such-program-anywhere"):
        await bus.start()
    assert bus.get_state() is BusState.STOPPED


@pytest.mark.req("SDK-STA-01")
@pytest.mark.asyncio
async def test_a_folder_that_does_not_exist_fails_the_start_with_its_name(
    stdiobus_backend: str, stdiobus_docker: DockerOptions
) -> None:
    config = BusConfig(pools=[PoolConfig(id="w", command="cat", cwd="/no/such/folder")])
    bus = AsyncStdioBus(config, backend=stdiobus_backend, docker=stdiobus_docker)
    with pytest.raises(TransportError, match=r"pools\[0\]\.cwd: cannot enter \"/no/such/folder\""):
        await bus.start()


@pytest.mark.req("SDK-STA-01")
@pytest.mark.asyncio
async def test_a_faulty_configuration_fails_the_start_with_its_path(stdiobus_backend: str) -> None:
    config = BusConfig(pools=[PoolConfig(id="w", command="cat", instances=0)])
    with pytest.raises(InvalidArgumentError, match=r"pools\[0\]\.instances"):
        await AsyncStdioBus(config, backend=stdiobus_backend).start()


@pytest.mark.req("SDK-STA-01")
async def test_facts_are_true(make_stdiobus: MakeBus, stdiobus_backend: str, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO, instances=2)])
    await bus.request("m")
    assert bus.is_running()
    assert bus.get_backend_type() == stdiobus_backend
    assert bus.get_worker_count() == (2 if stdiobus_backend == "native" else -1)
    assert bus.get_client_count() == (-1 if stdiobus_backend == "docker" else 0)
    assert bus.get_stats().messages_in == 1
    assert bus.get_stats().messages_out == 1


def test_config_or_config_path_but_not_both() -> None:
    with pytest.raises(InvalidArgumentError, match="config_path"):
        AsyncStdioBus()


@pytest.mark.parametrize("value", [0, -1, "5", True, float("nan")])
def test_a_timeout_is_a_positive_number(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout_ms"):
        AsyncStdioBus(BusConfig(pools=[PoolConfig("a", sys.executable)]), timeout_ms=value)


def test_an_unknown_backend_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgumentError, match="native"):
        AsyncStdioBus(BusConfig(pools=[PoolConfig("a", "cat")]), backend="carrier-pigeon")


def test_a_listener_needs_native() -> None:
    listener = NativeOptions(listen_mode="tcp", tcp_port=0)
    with pytest.raises(InvalidArgumentError, match="native"):
        AsyncStdioBus(BusConfig(pools=[PoolConfig("a", "cat")]), backend="subprocess", native=listener)
