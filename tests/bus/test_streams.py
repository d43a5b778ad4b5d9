"""Streams over a real kernel and scripted workers, on every backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    InvalidArgumentError,
    InvalidStateError,
    RemoteError,
    StreamEvent,
    StreamEventType,
    TimeoutError,  # noqa: A004 - ours
)

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool

BOUND_SEC = 10
# A request is answered by one chunk; its result waits for the notification "go" of its session.
GATED = """
held = {}
for m in lines:
    if "id" in m:
        held.setdefault(m["sessionId"], []).append(m)
        chunk(m["sessionId"], str(m.get("params")))
    else:
        m = held[m["sessionId"]].pop(0)
        chunk(m["sessionId"], "late")
        answer(m, {"session": m["sessionId"]})
"""
WORDS = """
for m in lines:
    for word in m["params"]: chunk(m["sessionId"], word)
    answer(m, {"stopReason": "end_turn"})
"""


async def collect(bus: AsyncStdioBus, *args: Any, **options: Any) -> list[StreamEvent]:
    return [event async for event in bus.stream_request(*args, **options)]


async def first(stream: Any) -> StreamEvent:
    event: StreamEvent = await asyncio.wait_for(anext(stream), BOUND_SEC)
    return event


@pytest.mark.req("SDK-AGG-02")
async def test_a_chunk_arrives_before_the_response_exists(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(GATED)])
    stream = bus.stream_request("m", [1])
    chunk = await first(stream)
    assert (chunk.type, chunk.data, chunk.text, chunk.result) == (StreamEventType.CHUNK, "[1]", "[1]", None)
    await bus.notify("go")
    assert (await first(stream)).text == "late"
    result = await first(stream)
    expected = {"session": bus.client_session_id, "text": "[1]late"}
    assert (result.type, result.data, result.text, result.result) == ("result", expected, None, expected)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert bus.get_pending_count() == 0


@pytest.mark.req("SDK-AGG-02")
async def test_a_stream_and_a_request_give_the_same_text(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    words = ["é", " ", "b\ud83d", ""]
    *chunks, result = await collect(bus, "m", words)
    assert [event.text for event in chunks] == words
    assert result.result == await bus.request("m", words)


@pytest.mark.req("SDK-AGG-03")
async def test_streams_on_different_sessions_run_at_once_and_never_mix(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(GATED)])
    streams = {name: bus.stream_request("m", [name], session_id=name) for name in "abc"}
    assert [(await first(stream)).text for stream in streams.values()] == ["['a']", "['b']", "['c']"]
    for name in "cab":
        await bus.notify("go", session_id=name)
    for name, stream in streams.items():
        assert [event.data async for event in stream] == ["late", {"session": name, "text": f"['{name}']late"}]


@pytest.mark.req("SDK-AGG-03")
async def test_a_second_stream_without_a_session_gets_one_of_its_own(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(GATED)])
    one, two = bus.stream_request("m", [1]), bus.stream_request("m", [2])
    assert ((await first(one)).text, (await first(two)).text) == ("[1]", "[2]")
    await bus.notify("go")
    await bus.notify("go", session_id=f"{bus.client_session_id}#2")
    results = [[event async for event in one][-1].result, [event async for event in two][-1].result]
    assert [result["session"] for result in results] == [bus.client_session_id, f"{bus.client_session_id}#2"]


@pytest.mark.req("SDK-AGG-03")
async def test_two_streams_on_one_session_are_refused_while_the_first_runs(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(GATED)])
    running = bus.stream_request("m", session_id="s")
    await first(running)
    with pytest.raises(InvalidStateError, match="'s'"):
        await collect(bus, "m", session_id="s")
    await bus.notify("go", session_id="s")
    assert [event.type async for event in running] == ["chunk", "result"]
    await first(bus.stream_request("m", session_id="s"))


@pytest.mark.req("SDK-CAN-03", "SDK-AGG-03")
@pytest.mark.parametrize("how", ["break", "aclose", "cancel", "timeout"])
async def test_an_early_end_leaves_nothing_behind_for_a_later_request(
    make_stdiobus: MakeBus, worker: WorkerPool, how: str
) -> None:
    bus = await make_stdiobus([worker(GATED)])
    if how == "break":
        async for _event in bus.stream_request("m", ["early"]):
            break
    elif how == "aclose":
        stream = bus.stream_request("m", ["early"])
        await first(stream)
        await stream.aclose()
        await stream.aclose()
        assert [event async for event in stream] == []
    elif how == "cancel":
        stream = bus.stream_request("m", ["early"])
        await first(stream)
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with pytest.raises(TimeoutError, match="200 ms"):
            await collect(bus, "m", ["early"], timeout_ms=200)
    assert bus.get_pending_count() == 0
    assert [call.chunks for call in bus._calls._calls.values()] == [[]]
    later = asyncio.ensure_future(collect(bus, "m", ["own"]))
    await asyncio.sleep(0)
    await bus.notify("go")
    await bus.notify("go")
    chunks = [event.text for event in await later][:-1]
    # The worker sends "own" before it answers the first request; only what follows that answer is the later one's.
    assert chunks == ["late"]
    assert not bus._calls._calls


@pytest.mark.req("SDK-CAN-03")
async def test_a_stream_that_is_never_iterated_sends_nothing(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    stream = bus.stream_request("m", ["a"])
    assert bus.get_pending_count() == 0
    await stream.aclose()
    assert [event async for event in stream] == []
    assert bus.get_stats().messages_in == 0


@pytest.mark.req("SDK-AGG-02", "SDK-ERR-02")
async def test_an_error_of_the_worker_is_raised_after_its_chunks(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = """
    for m in lines:
        chunk(m["sessionId"], "a")
        send({"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "error": {"code": 3, "message": "no"}})
    """
    bus = await make_stdiobus([worker(code)])
    stream = bus.stream_request("m")
    assert (await first(stream)).text == "a"
    with pytest.raises(RemoteError) as caught:
        await anext(stream)
    assert caught.value.code == 3
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


@pytest.mark.req("SDK-AGG-04")
@pytest.mark.parametrize(("count", "size"), [(100_000, 3), (3, 1_048_576)])
async def test_no_chunk_is_lost_however_many_or_long(
    make_stdiobus: MakeBus, worker: WorkerPool, count: int, size: int
) -> None:
    code = f"""
    write, m = sys.stdout.write, next(lines)
    sys.stdout.flush = lambda: None
    for n in range({count}): chunk(m["sessionId"], str(n % 10) + "é" * {size - 1})
    answer(m, {{}})
    type(sys.stdout).flush(sys.stdout)
    next(lines, None)
    """
    bus = await make_stdiobus([worker(code)])
    *chunks, result = await collect(bus, "m")
    assert [event.text for event in chunks] == [str(n % 10) + "é" * (size - 1) for n in range(count)]
    assert len(result.result["text"]) == count * size


@pytest.mark.parametrize("arguments", [("m", object()), ("m", 1), (1, {})])
async def test_arguments_that_cannot_be_sent_are_refused(
    make_stdiobus: MakeBus, worker: WorkerPool, arguments: tuple[Any, Any]
) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    with pytest.raises(InvalidArgumentError):
        await collect(bus, *arguments)
    assert bus.get_pending_count() == 0


async def test_a_stream_that_could_not_begin_is_over(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(WORDS)])
    stream = bus.stream_request("m", 1)
    with pytest.raises(InvalidArgumentError):
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_two_tasks_may_not_iterate_one_stream(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(GATED)])
    stream = bus.stream_request("m")
    await first(stream)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    with pytest.raises(InvalidStateError, match="one task"):
        await anext(stream)
    await bus.notify("go")
    assert (await waiting).text == "late"
