"""The client over a real kernel and scripted workers, on every backend."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    BusState,
    InvalidArgumentError,
    InvalidStateError,
    LimitsConfig,
    NativeOptions,
    PoolConfig,
    RemoteError,
    StdioBusError,
    TimeoutError,  # noqa: A004 - ours
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.conftest import WorkerPool

    MakeBus = Callable[..., Awaitable[AsyncStdioBus]]

ECHO = "for m in lines: answer(m, m)"
SILENT = "for m in lines: pass"
BOUND_SEC = 10


async def test_a_request_is_written_as_asked_and_answered(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    seen = await bus.request("m", {"text": "é\ud83d"})
    assert seen == {
        "jsonrpc": "2.0",
        "id": "1",
        "method": "m",
        "sessionId": bus.client_session_id,
        "params": {"text": "é\ud83d"},
    }
    assert "params" not in await bus.request("m")


async def test_text_is_aggregated_in_order(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    for m in lines:
        for word in m["params"]: chunk(m["sessionId"], word)
        answer(m, {"stopReason": "end_turn"})
    """
    bus = await make_stdiobus([worker(code)])
    assert await bus.request("m", ["a", " ", "bc"]) == {"stopReason": "end_turn", "text": "a bc"}


async def test_a_worker_error_keeps_its_code(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    for m in lines:
        send({"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "error": {"code": 3, "message": "no", "data": 7}})
    """
    bus = await make_stdiobus([worker(code)])
    with pytest.raises(RemoteError) as caught:
        await bus.request("m")
    assert (caught.value.code, caught.value.message, caught.value.data) == (3, "no", 7)


async def test_a_timeout_leaves_nothing_behind(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SILENT)])
    with pytest.raises(TimeoutError, match="20 ms"):
        await bus.request("m", timeout_ms=20)
    assert bus.get_pending_count() == 0


async def test_a_cancelled_request_leaves_nothing_behind(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SILENT)])
    task = asyncio.create_task(bus.request("m"))
    await asyncio.sleep(0)
    assert bus.get_pending_count() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bus.get_pending_count() == 0


async def test_a_dying_worker_fails_its_own_requests(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker("next(lines); sys.exit(3)", "dies"), worker(ECHO, "lives")])
    with pytest.raises(TransportError, match="-32090"):
        await bus.request("m", pool="dies", timeout_ms=BOUND_SEC * 1000)
    assert (await bus.request("m", pool="lives"))["pool"] == "lives"


async def test_stop_fails_what_is_in_flight(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SILENT)], limits=LimitsConfig(drain_timeout_sec=1))
    task = asyncio.create_task(bus.request("m"))
    await asyncio.sleep(0)
    await bus.stop(1)
    with pytest.raises(TransportError, match="Bus is shutting down"):
        await task
    assert bus.get_state() is BusState.STOPPED
    with pytest.raises(TransportError):
        await bus.request("m")


async def test_an_idle_bus_stops_quickly_and_once_more(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    await bus.request("m")
    began = asyncio.get_running_loop().time()
    await bus.stop()
    assert asyncio.get_running_loop().time() - began < 1
    await bus.stop()


async def test_destroy_ends_everything_at_once(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SILENT)])
    task = asyncio.create_task(bus.request("m"))
    await asyncio.sleep(0)
    bus.destroy()
    with pytest.raises(TransportError):
        await task
    assert bus.get_state() is BusState.STOPPED


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


async def test_another_thread_may_not_send(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    caught: list[Exception] = []

    def send() -> None:
        try:
            bus.send("{}")
        except StdioBusError as error:
            caught.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(BOUND_SEC)
    assert [type(error) for error in caught] == [TransportError]


async def test_another_event_loop_is_a_state_error(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    caught: list[BaseException | None] = []

    def call() -> None:
        async def each() -> list[BaseException | None]:
            return list(await asyncio.gather(bus.request("m"), bus.notify("m"), bus.stop(), return_exceptions=True))

        caught.extend(asyncio.run(each()))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(BOUND_SEC)
    assert [type(error) for error in caught] == [InvalidStateError] * 3


async def test_no_thread_is_created(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    before = threading.active_count()
    bus = await make_stdiobus([worker(ECHO)])
    await bus.request("m")
    assert threading.active_count() == before
    await bus.stop()
    assert threading.active_count() == before


async def test_many_requests_in_flight_all_get_their_own_answer(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    answers = await asyncio.gather(*[bus.request("m", [n, "x" * 200]) for n in range(2_000)])
    assert [answer["params"][0] for answer in answers] == list(range(2_000))


async def test_a_large_message_passes_whole(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    text = "é" * 1_000_000
    assert (await bus.request("m", [text]))["params"] == [text]


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


async def test_a_notification_and_a_raw_line_arrive_in_order(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    seen = []
    for m in lines:
        if "id" in m: answer(m, seen)
        else: seen.append([m["method"], m.get("params"), sorted(m)])
    """
    bus = await make_stdiobus([worker(code)])
    await bus.notify("one", {"a": 1}, session_id="s")
    assert bus.send('{"jsonrpc":"2.0","method":"two","sessionId":"s"}')
    assert await bus.request("m", session_id="s") == [
        ["one", {"a": 1}, ["jsonrpc", "method", "params", "sessionId"]],
        ["two", None, ["jsonrpc", "method", "sessionId"]],
    ]


@pytest.mark.parametrize("line", ["", "[]", "{", '{"method":\n"m"}', '{"method":"\ud800"}'])
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


@pytest.mark.asyncio
async def test_a_command_that_does_not_exist_fails_the_start(stdiobus_backend: str) -> None:
    config = BusConfig(pools=[PoolConfig(id="w", command="no-such-program-anywhere")])
    bus = AsyncStdioBus(config, backend=stdiobus_backend)
    with pytest.raises(TransportError, match="no-such-program-anywhere"):
        await bus.start()
    assert bus.get_state() is BusState.STOPPED


@pytest.mark.asyncio
async def test_a_faulty_configuration_fails_the_start_with_its_path(stdiobus_backend: str) -> None:
    config = BusConfig(pools=[PoolConfig(id="w", command="cat", instances=0)])
    with pytest.raises(InvalidArgumentError, match=r"pools\[0\]\.instances"):
        await AsyncStdioBus(config, backend=stdiobus_backend).start()


async def test_facts_are_true(make_stdiobus: MakeBus, stdiobus_backend: str, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO, instances=2)])
    await bus.request("m")
    assert bus.is_running()
    assert bus.get_backend_type() == stdiobus_backend
    assert bus.get_worker_count() == (2 if stdiobus_backend == "native" else -1)
    assert bus.get_client_count() == (-1 if stdiobus_backend == "docker" else 0)
    assert bus.get_stats().messages_in == 1
    assert bus.get_stats().messages_out == 1


async def test_a_configuration_file_works(make_stdiobus: MakeBus, worker: WorkerPool, tmp_path: Any) -> None:
    path = tmp_path / "bus.json"
    path.write_text(json.dumps(BusConfig(pools=[worker(ECHO)]).to_dict()), encoding="utf-8")
    bus = await make_stdiobus(config_path=path)
    assert (await bus.request("m"))["method"] == "m"


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
