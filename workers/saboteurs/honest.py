"""What the saboteurs beside this file share: a worker that keeps every rule of the worker contract (WRK).

A saboteur overrides the one habit that it breaks. Its methods: ``echo`` gives ``params`` back, ``stream`` sends a chunk for each word
of ``params.prompt``, ``slow`` takes a third of a second, ``crash`` fails. ``--honest`` as argument switches its fault off.
"""

from __future__ import annotations

import heapq
import json
import math
import os
import select
import signal
import sys
import time
from itertools import count

TYPE_CHECKING = False  # importing typing would double the time of a start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Message = dict[str, Any]

STDIN, STDOUT = 0, 1
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
CHUNK_S, SLOW_S = 0.03, 0.3
_READ_SIZE = 256 * 1024


class Worker:
    """An honest worker: every method is a habit that a saboteur may override."""

    def __init__(self) -> None:
        """Begin with nothing read and nothing to do."""
        self.reading = True
        self._rest = b""
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def run(self) -> None:
        """Work until the input ends or SIGTERM comes, and finish what has been begun."""
        wake, signalled = os.pipe()
        os.set_blocking(signalled, False)
        signal.set_wakeup_fd(signalled)
        signal.signal(signal.SIGTERM, lambda *_: self.on_sigterm())
        while (reading := self.reading) or self._timers:  # asked once: a signal may come in between
            pause = max(self._timers[0][0] - time.monotonic(), 0) if self._timers else None
            ready = select.select([STDIN, wake] if reading else [], [], [], pause)[0]
            if STDIN in ready and self.reading:
                self.on_data(os.read(STDIN, _READ_SIZE))
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()
        self.on_exit()

    @property
    def busy(self) -> bool:
        """Whether something that was begun is not finished."""
        return bool(self._timers)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something in a while; other messages are served meanwhile."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))

    def on_sigterm(self) -> None:
        """Read no more."""
        self.reading = False

    def on_data(self, data: bytes) -> None:
        """Cut what was read into lines; nothing read is the end of the input."""
        if not data:
            self.on_end_of_input()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.on_line(line)

    def on_end_of_input(self) -> None:
        """Take what came without its LF for a line, and read no more."""
        self.reading = False
        self.on_line(self._rest)

    def on_exit(self) -> None:
        """Leave; everything has been written."""

    def on_line(self, line: bytes) -> None:
        """Parse a line; what is no object is refused."""
        if not line.strip():
            return
        try:
            message = self.parse(line)
        except (ValueError, RecursionError):
            self.refuse(PARSE_ERROR, "not JSON")
            return
        if isinstance(message, dict):
            self.on_message(message)
        else:
            self.on_no_object(message)

    def on_no_object(self, message: Any) -> None:  # noqa: ARG002 - saboteurs look at it
        """Refuse a batch, a number, a text."""
        self.refuse(INVALID_REQUEST, "not a JSON object")

    def parse(self, line: bytes) -> Any:
        """The JSON value of a line, or ValueError."""
        return json.loads(line, parse_constant=_refused, parse_float=_finite)

    def on_message(self, message: Message) -> None:
        """Tell a request from what is none."""
        if "method" in message and "id" in message:
            self.on_request(message)
        elif "method" in message:
            self.on_notification(message)
        else:
            self.on_response(message)

    def on_notification(self, message: Message) -> None:
        """Do nothing: this worker knows none."""

    def on_response(self, message: Message) -> None:
        """Do nothing: this worker has not asked."""

    def on_request(self, message: Message) -> None:
        """Answer, at once or later."""
        if isinstance(message["id"], (bool, dict, list)):
            self.refuse(INVALID_REQUEST, "an id is a string, a number or null")
        elif not isinstance(message["method"], str):
            self.on_invalid(message)
        else:
            self.call(message)

    def on_invalid(self, message: Message) -> None:
        """Refuse a request that is none."""
        self.fail(message, INVALID_REQUEST, "method must be a string")

    def call(self, message: Message) -> None:
        """Do what the method says."""
        method, params = message["method"], message.get("params")
        if method == "echo":
            self.respond(message, {"result": {"echo": params}})
        elif method == "stream":
            self.stream(message, params)
        elif method == "slow":
            self.slow(message)
        elif method == "crash":
            self.crash()
        else:
            self.on_unknown(message)

    def on_unknown(self, message: Message) -> None:
        """Refuse a method that does not exist."""
        self.fail(message, METHOD_NOT_FOUND, "unknown method")

    def on_bad_params(self, message: Message) -> None:
        """Refuse parameters."""
        self.fail(message, INVALID_PARAMS, "params.prompt must be a string")

    def stream(self, message: Message, params: Any) -> None:
        """Send a chunk for each word, one after the other, then the response."""
        prompt = params.get("prompt") if isinstance(params, dict) else None
        if not isinstance(prompt, str):
            self.on_bad_params(message)
            return
        words = prompt.split()
        for number, word in enumerate(words):
            self.later(number * CHUNK_S, lambda word=word: self.chunk(message, word))  # type: ignore[misc]
        self.later(len(words) * CHUNK_S, lambda: self.respond(message, {"result": {"stopReason": "end_turn"}}))

    def chunk(self, request: Message, word: str) -> None:
        """Send one chunk."""
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": word}}
        self.notify(request, {"method": "session/update", "params": {"update": update}})

    def slow(self, message: Message) -> None:
        """Answer in a while."""
        self.later(SLOW_S, lambda: self.respond(message, {"result": "at last"}))

    def crash(self) -> None:
        """Fail."""
        reason = "told to crash"
        raise RuntimeError(reason)

    def fail(self, request: Message, code: int, text: str) -> None:
        """Answer with an error."""
        self.respond(request, {"error": {"code": code, "message": text}})

    def respond(self, request: Message, answer: Message) -> None:
        """Answer a request, with its id and its session."""
        self.write({"jsonrpc": "2.0", "id": request["id"], **session_of(request), **answer})

    def notify(self, request: Message, notification: Message) -> None:
        """Tell something that a request has caused."""
        self.write({"jsonrpc": "2.0", **session_of(request), **notification})

    def refuse(self, code: int, text: str) -> None:
        """Answer what has no id."""
        self.write({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": text}})

    def write(self, message: Message) -> None:
        """Write a message as a line."""
        self.put(encoded(message) + b"\n")

    def put(self, data: bytes) -> None:
        """Write bytes to stdout, all of them and now."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(STDOUT, rest) :]


def session_of(message: Message) -> Message:
    """The session of a message as a member, if it has one."""
    return {"sessionId": message["sessionId"]} if isinstance(message.get("sessionId"), str) else {}


def encoded(message: Message) -> bytes:
    """A message as UTF-8."""
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
        return json.dumps(message, separators=(",", ":")).encode("ascii")


def log(text: str) -> None:
    """Write a line to stderr."""
    os.write(2, f"{text}\n".encode())


def main(saboteur: type[Worker]) -> None:
    """Run a saboteur, or with ``--honest`` the worker that it would be without its fault."""
    worker = Worker if "--honest" in sys.argv else saboteur
    worker().run()


def _refused(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
