"""The requests in flight: whose answer is whose, and whose text is whose."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from pytest_stdiobus.bus.deadlines import Deadlines
from pytest_stdiobus.bus.errors import StdioBusError, TimeoutError, error_from_wire  # noqa: A004 - ours
from pytest_stdiobus.bus.messages import sessions_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Waiter(Protocol):
    """Who waits for an answer; an `asyncio.Future` is one."""

    def done(self) -> bool:
        """Whether it waits no more."""

    def set_result(self, result: Any, /) -> object:
        """Take the result."""

    def set_exception(self, error: StdioBusError, /) -> object:
        """Take the reason why there is none."""


class Call:
    """One request: who waits for it, and the text that arrived for it so far."""

    __slots__ = ("chunks", "method", "on_chunk", "sessions", "timeout_ms", "waiter")

    def __init__(self, message: dict[str, Any], waiter: Waiter, on_chunk: Callable[[str], object] | None) -> None:
        """Begin without text. `sessions` are the top-level one of the message and, if another, that of its params."""
        self.waiter: Waiter | None = waiter
        self.sessions = _distinct(*sessions_of(message))
        self.method = message.get("method")
        self.timeout_ms = math.inf
        self.on_chunk = on_chunk
        self.chunks: list[str] = []

    def add_text(self, text: str) -> None:
        """Keep text for the result, and hand it on where it is asked for at once (SDK-AGG-02)."""
        if self.waiter is None:
            return
        self.chunks.append(text)
        if self.on_chunk is not None:
            self.on_chunk(text)

    def resolve(self, message: dict[str, Any]) -> None:
        """End with the answer, its aggregated text included (SDK-AGG-01)."""
        if self.waiter is None or self.waiter.done():
            return
        if "error" in message:
            self.waiter.set_exception(error_from_wire(message["error"]))
            return
        result = message.get("result")
        if self.chunks and isinstance(result, dict):
            result["text"] = "".join(self.chunks)
        self.waiter.set_result(result)

    def fail(self, error: StdioBusError) -> None:
        """End with an exception."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_exception(error)


class CallTable:
    """Every request that has not been answered, in the order of each session.

    A request that its caller gave up keeps its place, without text, until its answer comes: what a worker
    still says belongs to it and not to the next request of that session (SDK-AGG-03, SDK-CAN-03).
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._calls: dict[str, Call] = {}
        self._deadlines = Deadlines(self._calls, self._expire)
        self._sessions: dict[str, OrderedDict[str, Call]] = {}

    def __len__(self) -> int:
        """How many requests somebody waits for."""
        return sum(call.waiter is not None for call in self._calls.values())

    def open(self, message: dict[str, Any], waiter: Waiter, on_chunk: Callable[[str], object] | None = None) -> Call:
        """Note a request that is about to be sent; `on_chunk` gets its text as it arrives."""
        call = self._calls[message["id"]] = Call(message, waiter, on_chunk)
        for session in call.sessions:
            calls = self._sessions.get(session)
            if calls is None:
                calls = self._sessions[session] = OrderedDict()
            calls[message["id"]] = call
        return call

    def limit(self, loop: asyncio.AbstractEventLoop, message_id: str, timeout_ms: float) -> None:
        """Fail a request with `TimeoutError` when it is not answered in time."""
        self._calls[message_id].timeout_ms = timeout_ms
        self._deadlines.add(loop, message_id, timeout_ms / 1000)

    def forget(self, message_id: str) -> None:
        """Remove a request that was never sent."""
        self._remove(message_id)

    def abandon(self, message_id: str) -> None:
        """Note that nobody waits for this request any more; without effect once it is answered."""
        call = self._calls.get(message_id)
        if call is not None:
            call.waiter = call.on_chunk = None
            call.chunks.clear()

    def answer(self, message: dict[str, Any]) -> Call | None:
        """Settle the request that this response answers, and give it, if there is one."""
        message_id = message.get("id")
        if not isinstance(message_id, str) or (call := self._remove(message_id)) is None:
            return None
        call.resolve(message)
        return call

    def add_chunk(self, message: dict[str, Any], text: str) -> None:
        """Give text to the oldest unanswered request of its session (SDK-AGG-03)."""
        outer, inner = sessions_of(message)
        session = outer if outer is not None else inner
        if session is not None and (calls := self._sessions.get(session)):
            next(iter(calls.values())).add_text(text)

    def fail_all(self, error: StdioBusError) -> None:
        """Fail every request in flight; each gets an exception of its own."""
        calls = list(self._calls.values())
        self._calls.clear()
        self._sessions.clear()
        self._deadlines.clear()
        for call in calls:
            call.fail(type(error)(error.message, error.details))

    def _expire(self, message_id: str) -> None:
        call = self._calls[message_id]
        call.fail(TimeoutError(f"no answer to {call.method!r} within {call.timeout_ms:g} ms"))
        self.abandon(message_id)

    def _remove(self, message_id: str) -> Call | None:
        call = self._calls.pop(message_id, None)
        if call is not None:
            for session in call.sessions:
                calls = self._sessions[session]
                del calls[message_id]
                if not calls:
                    del self._sessions[session]
        return call


def _distinct(outer: str | None, inner: str | None) -> tuple[str, ...]:
    if inner is None or inner == outer:
        return () if outer is None else (outer,)
    return (inner,) if outer is None else (outer, inner)


class Ticket:
    """The caller's end of a request that was sent."""

    __slots__ = ("_calls", "_message_id")

    def __init__(self, calls: CallTable, message_id: str) -> None:
        """Name the request."""
        self._calls = calls
        self._message_id = message_id

    def close(self) -> None:
        """Wait no longer; without effect once the request is answered."""
        self._calls.abandon(self._message_id)
