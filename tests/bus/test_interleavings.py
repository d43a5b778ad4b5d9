"""Whose text is whose, line by line: the test writes every byte that the worker says, on every backend."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus.backends import child

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus, PoolConfig, StreamEvent
    from tests.conftest import MakeBus

BOUND_SEC = 10
# What happens, in this order. `request` and `stream` take a number, a session and where wanted that of the params;
# `give up` and `answer` a number; `chunk` a text, the top-level session and that of the params.
INTERLEAVINGS: dict[str, tuple[list[tuple[Any, ...]], dict[int, str]]] = {
    "two streams in turn": (
        [
            ("stream", 1, "a"),
            ("stream", 2, "b"),
            *[("chunk", text, session, None) for text, session in zip("1x2y3z", "ababab", strict=True)],
            ("answer", 2),
            ("chunk", "4", "a", None),
            ("answer", 1),
        ],
        {1: "1234", 2: "xyz"},
    ),
    "a stream beside a request on another session": (
        [
            ("request", 1, "a"),
            ("stream", 2, "b"),
            ("chunk", "x", "b", None),
            ("chunk", "1", "a", None),
            ("answer", 1),
            ("chunk", "y", "b", None),
            ("answer", 2),
        ],
        {1: "1", 2: "xy"},
    ),
    "the oldest of a session comes first": (
        [
            ("stream", 1, "a"),
            ("request", 2, "a"),
            ("chunk", "1", "a", None),
            ("answer", 1),
            ("chunk", "2", "a", None),
            ("answer", 2),
        ],
        {1: "1", 2: "2"},
    ),
    "the younger is answered first": (
        [
            ("request", 1, "a"),
            ("request", 2, "a"),
            ("chunk", "1", "a", None),
            ("answer", 2),
            ("chunk", "2", "a", None),
            ("answer", 1),
        ],
        {1: "12", 2: ""},
    ),
    "the session stands in the params only": (
        [
            ("request", 1, "a", "inner"),
            ("request", 2, "b", "other"),
            ("chunk", "2", None, "other"),
            ("chunk", "1", None, "inner"),
            ("answer", 1),
            ("answer", 2),
        ],
        {1: "1", 2: "2"},
    ),
    "the top-level session wins over that of the params": (
        [
            ("request", 1, "a"),
            ("request", 2, "b"),
            ("chunk", "1", "a", "b"),
            ("chunk", "2", "b", "a"),
            ("answer", 2),
            ("answer", 1),
        ],
        {1: "1", 2: "2"},
    ),
    "a request belongs to both of its sessions": (
        [
            ("request", 1, "a", "inner"),
            ("request", 2, "a"),
            ("request", 3, "inner"),
            ("chunk", "1", "inner", None),
            ("chunk", "2", "a", None),
            ("chunk", "3", None, "inner"),
            ("answer", 1),
            ("chunk", "4", "a", None),
            ("chunk", "5", "inner", None),
            ("answer", 3),
            ("answer", 2),
        ],
        {1: "123", 2: "4", 3: "5"},
    ),
    "text after the answer never enters a later request": (
        [
            ("stream", 1, "a"),
            ("answer", 1),
            ("chunk", "late", "a", None),
            ("request", 2, "a"),
            ("chunk", "own", "a", None),
            ("answer", 2),
        ],
        {1: "", 2: "own"},
    ),
    "text of one that was given up is dropped until its answer": (
        [
            ("request", 1, "a"),
            ("chunk", "1", "a", None),
            ("give up", 1),
            ("stream", 2, "a"),
            ("chunk", "2", "a", None),
            ("answer", 1),
            ("chunk", "3", "a", None),
            ("answer", 2),
        ],
        {2: "3"},
    ),
    "text of a session without requests is nobody's": (
        [
            ("stream", 1, "a"),
            ("request", 2, "b"),
            ("answer", 2),
            ("chunk", "2", "b", None),
            ("chunk", "1", "a", None),
            ("answer", 1),
        ],
        {1: "1", 2: ""},
    ),
}


def chunk(text: str, session: str | None, inner: str | None) -> dict[str, Any]:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
    params = {"update": update} | ({} if inner is None else {"sessionId": inner})
    return {"jsonrpc": "2.0", "method": "session/update", "params": params} | (
        {"sessionId": session} if session else {}
    )


class Stage:
    """A bus whose worker says what the test says, and the requests made on it."""

    def __init__(self, bus: AsyncStdioBus) -> None:
        self.bus = bus
        self.calls: dict[int, asyncio.Future[Any]] = {}
        self._heard = 0
        self._more = asyncio.Event()
        bus.on_message(self._hear)

    def _hear(self, _line: str) -> None:
        self._heard += 1
        self._more.set()

    async def say(self, *pieces: bytes, lines: int) -> None:
        """Let the worker write these bytes, each piece by itself, and wait until so many lines arrived."""
        expected = self._heard + lines
        await self.bus.notify("write", [piece.decode("latin-1") for piece in pieces], session_id="stage")
        while self._heard < expected:
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), BOUND_SEC)

    async def perform(self, what: str, *details: Any) -> None:
        if what == "chunk":
            await self.say(line(chunk(*details)), lines=1)
        elif what == "answer":
            await self.say(line({"jsonrpc": "2.0", "id": str(details[0]), "result": {}}), lines=1)
        elif what == "give up":
            self.calls[details[0]].cancel()
            await asyncio.wait([self.calls.pop(details[0])])
        else:
            number, session, *inner = details
            params = {"sessionId": inner[0]} if inner else None
            call = self.bus.request if what == "request" else self._stream
            self.calls[number] = asyncio.ensure_future(call("m", params, session_id=session))
            await asyncio.sleep(0)

    async def _stream(self, *args: Any, **options: Any) -> Any:
        *chunks, result = [event async for event in self.bus.stream_request(*args, **options)]
        assert "".join(event.data for event in chunks) == result.data.get("text", "")
        return result.data


def line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode() + b"\n"


@pytest.mark.req("SDK-AGG-03")
@pytest.mark.parametrize("name", INTERLEAVINGS)
async def test_each_chunk_reaches_the_oldest_unanswered_request_of_its_session(
    make_stdiobus: MakeBus, puppet: PoolConfig, name: str
) -> None:
    events, texts = INTERLEAVINGS[name]
    stage = Stage(await make_stdiobus([puppet]))
    for event in events:
        await stage.perform(*event)
    answers = {number: (await call).get("text", "") for number, call in stage.calls.items()}
    assert answers == texts
    assert stage.bus.get_pending_count() == 0


WORDS = ["é", "€uro", "日本語", "\U0001f600\U0001f469\u200d\U0001f4bb", "\u2028", "a"]


@pytest.mark.req("SDK-AGG-04")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
async def test_characters_survive_wherever_the_bytes_are_cut(
    make_stdiobus: MakeBus, puppet: PoolConfig, monkeypatch: pytest.MonkeyPatch, stdiobus_backend: str, size: int
) -> None:
    """Between the writes of the worker, and between the reads of the client where it reads a stream."""
    monkeypatch.setattr(child, "_READ_SIZE", size)
    bus = await make_stdiobus([puppet])
    if stdiobus_backend == "docker":
        backend: Any = bus._backend
        backend._connection._transport.max_size = size
    stage = Stage(bus)
    said = b"".join(line(chunk(word, "s", None)) for word in WORDS)
    said += line({"jsonrpc": "2.0", "id": "1", "result": {"whole": "".join(WORDS)}})
    stream = bus.stream_request("m", session_id="s")
    first: asyncio.Future[StreamEvent] = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    await stage.say(*[said[at : at + size] for at in range(0, len(said), size)], lines=len(WORDS) + 1)
    events = [await first, *[event async for event in stream]]
    assert [event.text for event in events[:-1]] == WORDS
    assert events[-1].result == {"whole": "".join(WORDS), "text": "".join(WORDS)}
