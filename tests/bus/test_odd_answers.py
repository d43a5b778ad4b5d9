"""What a worker may say that is odd or wrong: delivered, or a clear error, but never a hang; on every backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_stdiobus.bus import InvalidArgumentError, TransportError
from pytest_stdiobus.bus.messages import MAX_DEPTH

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool

BOUND_MS = 10_000
# Answers with the text of its params in the place of the result, whatever that is; its session stands in the line.
SAYS = """
for m in lines:
    text = m["params"][0].replace("[ID]", json.dumps(m["id"])).replace("[SESSION]", json.dumps(m["sessionId"]))
    sys.stdout.buffer.write(text.encode("latin-1") + b"\\n")
    sys.stdout.flush()
"""
ANSWER = '{"jsonrpc":"2.0","id":[ID],"sessionId":[SESSION],%s}'
# Reads no JSON, so that the depth of a request is the client's and the kernel's affair alone.
DEEP = """
import re
for line in sys.stdin:
    found = re.search(r'"id":"([0-9]+)".*?"sessionId":"([^"]*)"', line)
    depth = int(re.search(r'"method":"([0-9]+)"', line)[1])
    result = "[" * depth + "]" * depth
    sys.stdout.write('{"id":"%s","sessionId":"%s","result":%s}\\n' % (*found.groups(), result))
    sys.stdout.flush()
"""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


RESULTS: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "0": 0,
    "-1.50": -1.5,
    "1e400": float("inf"),
    "9" * 5000: 10**5000 - 1,
    '""': "",
    '"text"': "text",
    "[]": [],
    "{}": {},
    '{"a":1,"a":2}': {"a": 2},
    '{"":{"\\u0000":[null]}}': {"": {"\0": [None]}},
    '"\\ud800"': "\ud800",
    '"\\ud83d\\ude00"': "\U0001f600",
    '{"\\udfff":"\\udc00\\ud800"}': {"\udfff": "\udc00\ud800"},
    '"é€\U0001f600\u2028\ufeff"'.encode().decode("latin-1"): "é€\U0001f600\u2028\ufeff",
    " \t[ 1 ,\r 2 ] ": [1, 2],
}
NOT_JSON = [
    ANSWER % '"result":',
    ANSWER % '"result":NaN',
    ANSWER % '"result":01',
    ANSWER % '"result":"\xff"',
    ANSWER % '"result":"\t"',
    ANSWER % '"result":1' + "}",
    ANSWER % '"result":"\\ud8"',
]
NO_RESPONSE = [
    ANSWER % '"x":1',
    ANSWER % '"result":1,"error":{"code":1,"message":""}',
    ANSWER % '"result":1,"sessionId":"twice"',
    '{"jsonrpc":"2.0","id":[ID],"sessionId":7,"result":1}',
]
NO_ERROR = [ANSWER % f'"error":{error}' for error in ("null", "1", '"no"', "[]", "{}", '{"code":"1","message":""}')]
NOBODYS = [
    "",
    " ",
    "hello",
    "[1]",
    "null",
    '"text"',
    "{}",
    "\xff\xfe",
    '{"method":1}',
    "[" * 2000,
    '{"id":"77","result":1}',
]
NO_CHUNKS = [
    "1",
    "null",
    "[]",
    '{"update":1}',
    '{"update":{"sessionUpdate":"agent_message_chunk","content":{"text":1}}}',
]


@pytest.mark.req("SDK-ERR-02")
async def test_a_result_of_any_kind_is_delivered(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SAYS)])
    for spelled, result in RESULTS.items():
        line = ANSWER % f'"result":{spelled}'
        assert await bus.request("m", [line], timeout_ms=BOUND_MS) == result, spelled[:80]
        *_, last = [event async for event in bus.stream_request("m", [line], timeout_ms=BOUND_MS)]
        assert last.result == result, spelled[:80]


@pytest.mark.req("SDK-ERR-02")
@pytest.mark.parametrize("lines", [NOT_JSON, NO_RESPONSE, NO_ERROR], ids=["no JSON", "no response", "no error"])
async def test_an_answer_that_is_none_is_a_transport_error_and_the_next_one_is_served(
    make_stdiobus: MakeBus, worker: WorkerPool, lines: list[str]
) -> None:
    bus = await make_stdiobus([worker(SAYS)])
    for line in lines:
        with pytest.raises(TransportError):
            raise AssertionError(line, await bus.request("m", [line], timeout_ms=BOUND_MS))
        with pytest.raises(TransportError):
            raise AssertionError(line, await anext(bus.stream_request("m", [line], timeout_ms=BOUND_MS)))
        assert await bus.request("m", [ANSWER % '"result":1'], timeout_ms=BOUND_MS) == 1, line
    assert bus.get_pending_count() == 0


@pytest.mark.req("SDK-ERR-02")
async def test_a_line_that_belongs_to_nobody_harms_nobody(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SAYS)])
    line = ANSWER % '"result":1'
    for noise in NOBODYS:
        assert await bus.request("m", [f"{noise}\n{line}\n{noise}"], timeout_ms=BOUND_MS) == 1, noise
    assert await bus.request("m", [line], timeout_ms=BOUND_MS) == 1


@pytest.mark.req("SDK-AGG-01")
async def test_an_update_without_a_text_adds_none(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(SAYS)])
    for params in NO_CHUNKS:
        update = f'{{"jsonrpc":"2.0","method":"session/update","sessionId":[SESSION],"params":{params}}}'
        answer = await bus.request("m", [update + "\n" + ANSWER % '"result":{}'], timeout_ms=BOUND_MS)
        assert answer == {}, params


@pytest.mark.req("SDK-LOD-01")
@pytest.mark.parametrize("depth", [500, 1000, MAX_DEPTH - 1])
async def test_an_answer_as_deep_as_the_kernel_passes_is_read(
    make_stdiobus: MakeBus, worker: WorkerPool, depth: int
) -> None:
    bus = await make_stdiobus([worker(DEEP)])
    result, found = await bus.request(str(depth), timeout_ms=BOUND_MS), 1
    while result:
        (result,), found = result, found + 1
    assert found == depth


@pytest.mark.req("SDK-ERR-02")
async def test_a_deeper_answer_is_a_transport_error(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(DEEP)])
    with pytest.raises(TransportError, match="invalid_response"):
        await bus.request(str(MAX_DEPTH), timeout_ms=BOUND_MS)


async def test_a_request_may_be_as_deep_as_the_kernel_reads_and_no_deeper(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker(DEEP)])
    deepest = MAX_DEPTH - 1  # the message is a level too
    for kinds in ("[[", "{{", "[{"):
        params = nested(deepest, kinds)
        assert await bus.request("1", params, timeout_ms=BOUND_MS) == []
        deeper = nested(deepest + 1, kinds)
        for call in (bus.request("1", deeper), bus.notify("1", deeper), anext(bus.stream_request("1", deeper))):
            with pytest.raises(InvalidArgumentError, match=f"more deeply than {MAX_DEPTH} levels"):
                await call
    with pytest.raises(InvalidArgumentError, match="levels"):
        bus.send(json.dumps({"method": "1", "params": "x"}).replace('"x"', "[" * MAX_DEPTH + "]" * MAX_DEPTH))
    assert (bus.get_pending_count(), bus.get_stats().messages_in) == (0, 3)


async def test_brackets_in_a_text_are_no_levels(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker("for m in lines: answer(m, m['params'])")])
    many = "[{" * MAX_DEPTH
    for params in ([many], [f'"{many}'], ["\\", many], [f'\\"{many}'], {many: f'{many}"{many}'}):
        assert await bus.request("m", params, timeout_ms=BOUND_MS) == params


def nested(levels: int, kinds: str) -> Any:
    value: Any = [] if kinds[(levels - 1) % 2] != "{" else {}
    for level in reversed(range(levels - 1)):
        value = {"a": value} if kinds[level % 2] == "{" else [value]
    return value


@pytest.mark.req("SDK-WIR-01")
async def test_what_json_can_say_comes_back_the_same(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker("for m in lines: answer(m, m['params'])")])
    values: list[Any] = []

    @settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(JSON, max_size=3))
    def collect(value: list[Any]) -> None:
        values.append(value)

    collect()
    for value in values:
        assert await bus.request("m", value, timeout_ms=BOUND_MS) == value
