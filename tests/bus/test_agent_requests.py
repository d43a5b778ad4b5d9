"""What workers ask of the client, and what crosses the wire, on every backend."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import InvalidArgumentError

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool

# Answers each request with the client's answer to its own question.
ASKS = """
for m in lines:
    send({"jsonrpc": "2.0", "id": 7, "method": "ask", "sessionId": m["sessionId"], "params": m["params"]})
    answer(m, next(lines))
"""


async def test_a_handler_may_be_a_coroutine_that_responds(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ASKS)])

    async def handle(request: dict[str, Any]) -> None:
        await bus.respond(request, result={"allowed": request["params"]})

    bus.on_request(handle)
    answer = await bus.request("m", ["x"])
    expected = {"jsonrpc": "2.0", "id": 7, "sessionId": bus.client_session_id, "result": {"allowed": ["x"]}}
    assert answer == expected


async def test_a_request_may_be_answered_later_and_with_an_error(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ASKS)])
    asked: list[dict[str, Any]] = []
    bus.on_request(asked.append)
    arrived = asyncio.Event()
    bus.on_request(lambda _request: arrived.set())
    waiting = asyncio.ensure_future(bus.request("m", []))
    await asyncio.wait_for(arrived.wait(), 10)
    await bus.respond(asked[0], error={"code": 3, "message": "no"})
    assert (await waiting)["error"] == {"code": 3, "message": "no"}


@pytest.mark.parametrize("coroutine", [True, False])
async def test_a_handler_that_fails_is_answered_internal_error(
    make_stdiobus: MakeBus, worker: WorkerPool, *, coroutine: bool
) -> None:
    bus = await make_stdiobus([worker(ASKS)])

    async def later(_request: dict[str, Any]) -> None:
        raise ValueError

    def at_once(_request: dict[str, Any]) -> None:
        raise ValueError

    bus.on_request(later if coroutine else at_once)
    assert (await bus.request("m", []))["error"]["code"] == -32603


@pytest.mark.parametrize(
    "arguments",
    [
        {"request": {"method": "m"}},
        {"request": []},
        {"request": {"id": 1, "method": "m"}, "result": 1, "error": {"code": 1, "message": ""}},
        {"request": {"id": 1, "method": "m"}, "error": "no"},
        {"request": {"id": 1, "method": "m"}, "result": object()},
    ],
)
async def test_an_answer_that_cannot_be_sent_is_refused(
    make_stdiobus: MakeBus, worker: WorkerPool, arguments: dict[str, Any]
) -> None:
    bus = await make_stdiobus([worker(ASKS)])
    with pytest.raises(InvalidArgumentError):
        await bus.respond(**arguments)


async def test_the_wire_shows_every_line_in_both_directions(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ASKS)])
    seen: list[tuple[str, Any]] = []
    bus.on_wire(lambda _direction, _line: 1 / 0)
    bus.on_wire(lambda direction, line: seen.append((direction, json.loads(line).get("method"))))
    await bus.request("m", [])
    bus.send('{"method":"raw"}')
    await bus.notify("note")
    expected = [("out", "m"), ("in", "ask"), ("out", None), ("in", None), ("out", "raw"), ("out", "note")]
    assert seen == expected
