"""What the bundled workers share: lines in, answers out, as the worker contract asks (WRK).

A worker is a plain program. It needs nothing but this file beside it.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Message = dict[str, Any]
    Emit = Callable[[Message], None]
    Handler = Callable[[str, Any, Emit], Any]

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
_STDIN, _STDOUT = 0, 1
_READ_SIZE = 256 * 1024


class Refusal(Exception):  # noqa: N818 - not a fault of the worker
    """An answer that is an error."""

    def __init__(self, code: int, message: str) -> None:
        """Keep code and message."""
        super().__init__(message)
        self.code = code
        self.message = message


def serve(handle: Handler) -> None:
    """Answer every request with ``handle(method, message, emit)`` until end of input or SIGTERM.

    The handler returns the result or raises `Refusal`; with `emit` it sends notifications, which thus
    precede the response (WRK-11).
    """
    try:
        for line in _lines():
            _answer(line, handle)
    except BrokenPipeError:
        pass  # nobody reads any more


def _answer(line: bytes, handle: Handler) -> None:
    try:
        message = parse(line)
    except (ValueError, RecursionError):
        _write({"jsonrpc": "2.0", "id": None, "error": {"code": PARSE_ERROR, "message": "not JSON"}})
        return
    if not isinstance(message, dict):
        error = {"code": INVALID_REQUEST, "message": "not a JSON object"}
        _write({"jsonrpc": "2.0", "id": None, "error": error})
        return
    if "method" not in message or "id" not in message:
        return  # a response nobody asked for, or a notification
    session = {"sessionId": message["sessionId"]} if isinstance(message.get("sessionId"), str) else {}

    def emit(notification: Message) -> None:
        _write({"jsonrpc": "2.0", **session, **notification})

    try:
        answer = {"result": _result(message, handle, emit)}
    except Refusal as refusal:
        answer = {"error": {"code": refusal.code, "message": refusal.message}}
    _write({"jsonrpc": "2.0", "id": message["id"], **session, **answer})


def _result(message: Message, handle: Handler, emit: Emit) -> Any:
    method = message["method"]
    if not isinstance(method, str) or isinstance(message["id"], (bool, dict, list)):
        raise Refusal(INVALID_REQUEST, "method must be a string, id a string, a number or null")
    return handle(method, message, emit)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def parse(line: bytes) -> Any:
    """The JSON value of a line.

    Raises:
        ValueError: it is not JSON, or could not be written again.
    """
    return _DECODER.decode(line.decode(errors="surrogatepass"))


def _finite(text: str) -> float:
    """A number that can be written again: Python reads 1e999 as infinity, which JSON has no word for."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


# Made once: json.loads() and json.dumps() make one for every call that is given options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def _write(message: Message) -> None:
    try:
        line = _ENCODER.encode(message).encode()
    except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
        line = json.dumps(message, separators=(",", ":")).encode("ascii")
    rest = memoryview(line + b"\n")
    while rest:
        rest = rest[os.write(_STDOUT, rest) :]


def _lines() -> Iterator[bytes]:
    parts: list[bytes] = []
    for data in _reads():
        *complete, rest = data.split(b"\n")
        for line in complete:
            parts.append(line)
            whole = b"".join(parts)
            parts.clear()
            if whole.strip():
                yield whole
        if rest:
            parts.append(rest)
    if (whole := b"".join(parts)).strip():
        yield whole


def _reads() -> Iterator[bytes]:
    if os.name == "nt":
        while data := os.read(_STDIN, _READ_SIZE):
            yield data
        return
    wake, signalled = os.pipe()
    os.set_blocking(signalled, False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(signalled)
    patience: float | None = None
    while True:
        ready = select.select([_STDIN, wake] if patience is None else [_STDIN], [], [], patience)[0]
        if wake in ready:
            patience = 0  # SIGTERM: answer what has already arrived, then end (WRK-08)
        elif not ready or not (data := os.read(_STDIN, _READ_SIZE)):
            return
        else:
            yield data
