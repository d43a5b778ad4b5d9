"""One end of a JSON-RPC conversation on standard streams, in which both sides may ask.

What the bundled agent and server share. Requests run as tasks, so that one does not hold up another; messages that a
request causes carry its top-level `sessionId` (WRK-04).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from serving import INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Refusal, parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Message = dict[str, Any]
    Handler = Callable[[Message], Awaitable[Any]]

_LONGEST_LINE = 64 * 1024 * 1024
_GRACE_S = 0.5  # for what is in flight when the input ends
_session: ContextVar[Any] = ContextVar("session", default=None)


class Peer:
    """Answers what it is asked from a table of methods, and can ask itself."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self.requests: dict[str, asyncio.Task[None]] = {}  # those that are being answered, by their ids as JSON
        self._tasks: set[asyncio.Task[None]] = set()
        self._asked: dict[str, asyncio.Future[Any]] = {}
        self._count = 0

    @property
    def methods(self) -> Mapping[str, Handler]:
        """What answers which method, requests and notifications."""
        return {}

    async def run(self) -> None:
        """Serve until the end of the input or SIGTERM; then end what is still running."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_LONGEST_LINE)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        loop.add_signal_handler(signal.SIGTERM, reader.feed_eof)
        async for line in reader:
            if line.strip():
                self.receive(line)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_GRACE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def receive(self, line: bytes) -> None:
        """Begin to handle a line."""
        try:
            message = parse(line)
        except (ValueError, RecursionError):
            self.send({"id": None, "error": {"code": PARSE_ERROR, "message": "not JSON"}})
            return
        if not isinstance(message, dict):
            self.send({"id": None, "error": {"code": INVALID_REQUEST, "message": "not a JSON object"}})
        elif "method" in message:
            self._begin(message)
        else:
            future = self._asked.pop(json.dumps(message.get("id")), None)
            if future is not None and not future.done():  # whoever asked may have been cancelled
                future.set_result(message.get("result"))

    def _begin(self, message: Message) -> None:
        task = asyncio.ensure_future(self.handle(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if "id" in message:
            key = json.dumps(message["id"])
            self.requests[key] = task
            task.add_done_callback(lambda _: self.requests.pop(key, None))

    async def handle(self, message: Message) -> None:
        """Answer a request, or do what a notification says."""
        _session.set(message.get("sessionId"))
        try:
            answer = {"result": await self.call(message)}
        except Refusal as refusal:
            answer = {"error": {"code": refusal.code, "message": refusal.message}}
        if "id" in message:
            self.send({"id": message["id"], **answer})

    async def call(self, message: Message) -> Any:
        """What a message is answered with.

        Raises:
            Refusal: it is refused.
        """
        method, ident, params = message["method"], message.get("id"), message.get("params", {})
        if not isinstance(method, str) or isinstance(ident, (bool, dict, list)):
            raise Refusal(INVALID_REQUEST, "method must be a string, id a string or a number")
        if not isinstance(params, dict):
            raise Refusal(INVALID_REQUEST, "params must be an object")
        if method not in self.methods:
            raise Refusal(METHOD_NOT_FOUND, f"unknown method {method}")
        return await self.methods[method](params)

    async def ask(self, method: str, params: Message) -> Any:
        """The client's result of a request; None where it answers with an error."""
        ident, self._count = self._count, self._count + 1
        answer = self._asked[str(ident)] = asyncio.get_running_loop().create_future()
        self.send({"id": ident, "method": method, "params": params})
        return await answer

    def notify(self, method: str, params: Message) -> None:
        """Tell the client something."""
        self.send({"method": method, "params": params})

    def send(self, message: Message) -> None:
        """Write a message as one line."""
        session = {} if _session.get() is None else {"sessionId": _session.get()}
        rest = memoryview(json.dumps({"jsonrpc": "2.0", **session, **message}, separators=(",", ":")).encode() + b"\n")
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(1, rest) :]


def text_of(params: Message, name: str) -> str:
    """A parameter that must be a string.

    Raises:
        Refusal: it is missing or of another type.
    """
    return str(typed(params, name, str))


def typed(params: Message, name: str, kind: type) -> Any:
    """A parameter that must be of a type.

    Raises:
        Refusal: it is missing or of another type.
    """
    value = params.get(name)
    if not isinstance(value, kind):
        raise Refusal(-32602, f"{name} must be {'a string' if kind is str else 'an ' + kind.__name__}")
    return value
