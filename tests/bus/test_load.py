"""Many requests, long messages and long streams, on every backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import InvalidArgumentError, LimitsConfig, StreamEventType

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool

IN_FLIGHT = 10_000
LONGEST = 10 * 1024 * 1024
CHUNKS = 100_000
BOUND_SEC = 60
# Holds every request back until the notification "go": so all of them are in flight at once.
HOLDS = """
held = []
sys.stdout.flush = lambda: None
for m in lines:
    if "id" in m: held.append(m)
    else:
        for request in held: answer(request, request["params"])
        type(sys.stdout).flush(sys.stdout)
"""
# Answers with a line that is as long as its params say, LF not counted.
FILLS = """
for m in lines:
    empty = json.dumps({"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "result": ""})
    answer(m, "x" * (m["params"][0] - len(empty)))
"""


@pytest.mark.req("SDK-LOD-01")
async def test_ten_thousand_requests_in_flight_all_get_their_own_answer(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(HOLDS)])
    tasks = [asyncio.ensure_future(bus.request("m", [n], timeout_ms=BOUND_SEC * 1000)) for n in range(IN_FLIGHT)]
    await asyncio.sleep(0)
    assert bus.get_pending_count() == IN_FLIGHT
    await bus.notify("go")
    assert await asyncio.gather(*tasks) == [[n] for n in range(IN_FLIGHT)]
    assert bus.get_pending_count() == 0


@pytest.mark.req("SDK-LOD-01")
@pytest.mark.parametrize("size", [LONGEST, 2 * LONGEST])
async def test_lines_as_long_as_the_limit_pass_whole_both_ways(
    make_stdiobus: MakeBus, worker: WorkerPool, size: int
) -> None:
    bus = await make_stdiobus([worker(FILLS)], limits=LimitsConfig(max_input_buffer=size))
    seen: list[str] = []
    bus.on_wire(lambda _direction, line: seen.append(line))
    await bus.request("m", [size, ""], timeout_ms=BOUND_SEC * 1000)
    room = size - len(seen[0])
    answer = await bus.request("m", [size, "y" * room], timeout_ms=BOUND_SEC * 1000)
    assert [len(line) for line in seen[1:]] == [size] * 3
    assert set(answer) == {"x"}
    with pytest.raises(InvalidArgumentError, match=f"max_input_buffer is {size}"):
        await bus.request("m", [size, "y" * (room + 1)])


@pytest.mark.req("SDK-LOD-01")
async def test_long_responses_at_once_arrive_whole(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = "for m in lines: answer(m, str(m['params'][0]) * 10 * 1024 * 1024)"
    limits = LimitsConfig(max_input_buffer=LONGEST + 1000, max_output_queue=LONGEST)
    bus = await make_stdiobus([worker(code, instances=2)], limits=limits)
    requests = [bus.request("m", [n], session_id=f"s{n}", timeout_ms=BOUND_SEC * 1000) for n in range(4)]
    assert await asyncio.gather(*requests) == [str(n) * LONGEST for n in range(4)]


@pytest.mark.req("SDK-LOD-01", "SDK-AGG-04")
async def test_a_hundred_thousand_chunks_of_two_streams_at_once_arrive_in_order(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    code = f"""
    sys.stdout.flush = lambda: None
    requests = [next(lines), next(lines)]
    for n in range({CHUNKS // 2}):
        for m in requests: chunk(m["sessionId"], m["sessionId"] + str(n % 10))
    for m in requests: answer(m, {{}})
    type(sys.stdout).flush(sys.stdout)
    next(lines, None)
    """
    bus = await make_stdiobus([worker(code)])

    async def texts(session: str) -> list[str | None]:
        stream = bus.stream_request("m", session_id=session, timeout_ms=BOUND_SEC * 1000)
        return [event.text async for event in stream if event.type == StreamEventType.CHUNK]

    for session, texts_of in zip("ab", await asyncio.gather(texts("a"), texts("b")), strict=True):
        assert texts_of == [f"{session}{n % 10}" for n in range(CHUNKS // 2)]
    assert bus.get_pending_count() == 0


@pytest.mark.req("SDK-LOD-01")
async def test_the_loop_runs_on_while_nothing_can_be_written(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    # For a second nobody reads; the kernel's queue takes one message of 32, the client keeps the rest.
    code = """
    import time
    answer(next(lines), {})
    time.sleep(1)
    for m in lines: answer(m, len(m["params"][0]))
    """
    bus = await make_stdiobus([worker(code)], limits=LimitsConfig(max_output_queue=1_000_000))
    await bus.request("up")
    requests = asyncio.gather(*[bus.request("m", ["x" * 1_000_000], timeout_ms=BOUND_SEC * 1000) for _ in range(32)])
    turns = 0
    while not requests.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert await requests == [1_000_000] * 32
    # Of a hundred turns that the second has room for; had a write blocked there would have been next to none.
    assert turns > 20
