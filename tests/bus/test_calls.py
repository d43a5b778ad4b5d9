from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_stdiobus.bus import RemoteError, TransportError
from pytest_stdiobus.bus.calls import CallTable

pytestmark = pytest.mark.asyncio


def opened(table: CallTable, message_id: str, session: str, inner: str | None = None) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    message: dict[str, Any] = {"id": message_id, "sessionId": session}
    if inner is not None:
        message["params"] = {"sessionId": inner}
    table.open(message, future)
    return future


async def test_chunks_reach_the_oldest_request_of_their_session_only() -> None:
    table = CallTable()
    first, second, other = opened(table, "1", "s"), opened(table, "2", "s"), opened(table, "3", "t")
    table.add_chunk({"sessionId": "s"}, "a")
    table.add_chunk({"sessionId": "t"}, "b")
    for message_id in "123":
        table.answer({"id": message_id, "result": {}})
    assert (await first, await second, await other) == ({"text": "a"}, {}, {"text": "b"})


async def test_a_request_belongs_to_the_session_in_its_params_too() -> None:
    table = CallTable()
    future = opened(table, "1", "client", inner="agent")
    table.add_chunk({"params": {"sessionId": "agent"}}, "a")
    table.add_chunk({"sessionId": "client", "params": {"sessionId": "elsewhere"}}, "b")
    table.answer({"id": "1", "result": {}})
    assert (await future)["text"] == "ab"


async def test_late_text_of_an_abandoned_request_never_enters_a_later_one() -> None:
    table = CallTable()
    opened(table, "1", "s")
    table.abandon("1")
    later = opened(table, "2", "s")
    table.add_chunk({"sessionId": "s"}, "late")
    table.answer({"id": "1", "result": {}})
    table.add_chunk({"sessionId": "s"}, "own")
    table.answer({"id": "2", "result": {}})
    assert (await later)["text"] == "own"


async def test_nobody_waits_for_an_abandoned_request() -> None:
    table = CallTable()
    opened(table, "1", "s")
    assert len(table) == 1
    table.abandon("1")
    table.abandon("1")
    assert len(table) == 0
    table.answer({"id": "1", "result": {}})
    assert len(table) == 0


@pytest.mark.parametrize("message", [{"id": 1}, {"id": "2"}, {"id": None}, {}, {"id": ["1"]}])
async def test_an_answer_to_nothing_changes_nothing(message: dict[str, Any]) -> None:
    table = CallTable()
    future = opened(table, "1", "s")
    table.answer({**message, "result": {}})
    assert not future.done()


async def test_a_result_that_is_no_object_is_left_alone() -> None:
    table = CallTable()
    future = opened(table, "1", "s")
    table.add_chunk({"sessionId": "s"}, "a")
    table.answer({"id": "1", "result": [1]})
    assert await future == [1]


async def test_an_error_answer_raises() -> None:
    table = CallTable()
    future = opened(table, "1", "s")
    table.answer({"id": "1", "error": {"code": 3, "message": "no"}})
    with pytest.raises(RemoteError):
        await future


async def test_each_failed_request_has_an_exception_of_its_own() -> None:
    table = CallTable()
    futures = [opened(table, "1", "s"), opened(table, "2", "s")]
    table.fail_all(TransportError("gone"))
    errors = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(error) for error in errors] == [TransportError, TransportError]
    assert errors[0] is not errors[1]
    assert len(table) == 0


async def test_nobody_waits_for_a_request_that_expired_and_its_text_is_dropped() -> None:
    table = CallTable()
    told: list[str] = []
    future = opened(table, "1", "s")
    table._calls["1"].on_chunk = told.append
    table.limit(asyncio.get_running_loop(), "1", 1)
    with pytest.raises(TimeoutError, match="within 1 ms"):
        await future
    table.add_chunk({"sessionId": "s"}, "late")
    assert (len(table), told) == (0, [])
