"""Messages as JSON-RPC objects, and the lines that carry them."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stdiobus.bus.types import RequestOptions

# As deep as the kernel reads (KRN-FRM-05); what is deeper it would refuse without naming the request.
MAX_DEPTH = 1024
_NO_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[^][{}"]+')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")

METHOD_NOT_FOUND, INTERNAL_ERROR = -32601, -32603

# Made once: json.dumps() and json.loads() prepare as much with every call. What contains itself is found by its depth.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)
_ASCII_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
_DECODER = json.JSONDecoder()


def _fast_encoder() -> Callable[[Any], str]:
    """``_ENCODER.encode``, by way of the C object that CPython makes anew for each of its calls.

    That object is half the time of a small message. It is no public name: where it is missing, or takes
    other arguments, the public method serves.
    """
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    string = getattr(json.encoder, "c_encode_basestring", None)
    try:
        parts = make(None, _ENCODER.default, string, None, ":", ",", False, False, False)
    except TypeError:
        return _ENCODER.encode
    return lambda message: "".join(parts(message, 0))


_encode = _fast_encoder()


def encode(message: dict[str, Any]) -> bytes:
    """One line, without its LF, in UTF-8.

    Lone surrogates, which UTF-8 cannot carry, are written as escapes.

    Raises:
        InvalidArgumentError: the message holds something that JSON cannot say.
    """
    try:
        return _encode(message).encode()
    except (TypeError, ValueError, RecursionError):
        return _encode_with_care(message)


def _encode_with_care(message: dict[str, Any]) -> bytes:
    """A message that holds something out of the ordinary, or a fault, in ASCII."""
    try:
        with _room_for_depth():
            return _ASCII_ENCODER.encode(message).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        reason = f"the message is not JSON: {error}"
        raise InvalidArgumentError(reason) from error


def decode(line: str) -> dict[str, Any]:
    """The message on a line.

    Raises:
        ValueError: the line is not a JSON object.
        RecursionError: it is nested more deeply than this interpreter can read.
    """
    try:
        message, end = _DECODER.raw_decode(line)
    except (ValueError, RecursionError):
        message, end = None, 0
    if end != len(line):
        message = _decode_with_care(line)
    if not isinstance(message, dict):
        reason = "not a JSON object"
        raise ValueError(reason)  # noqa: TRY004 - one error for every unreadable line
    return message


def _decode_with_care(line: str, **how: Any) -> Any:
    """What stands on a line that has white space around it, or something out of the ordinary, or a fault."""
    try:
        return json.loads(line, **how)
    except json.JSONDecodeError:
        raise
    except ValueError:  # an integer of more digits than int() reads; JSON has no such limit
        return json.loads(line, parse_int=lambda digits: int(Decimal(digits)), **how)
    except RecursionError:
        with _room_for_depth():
            return json.loads(line, **how)


@contextlib.contextmanager
def _room_for_depth() -> Iterator[None]:
    """Raise the limit of recursion, which before Python 3.12 is lower than what the kernel reads."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(usual + 2 * MAX_DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def raw_line(message: str) -> bytes:
    """A line that somebody else wrote.

    Raises:
        InvalidArgumentError: not one JSON object on one line.
    """
    if not isinstance(message, str):
        reason = f"message: expected a string, got {message!r}"
        raise InvalidArgumentError(reason)
    try:
        line = message.encode()
        strict = _decode_with_care(message, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = f"send() takes one JSON object: {error}"
        raise InvalidArgumentError(reason) from error
    if not isinstance(strict, dict):
        reason = "send() takes one JSON object: not a JSON object"
        raise InvalidArgumentError(reason)
    if b"\n" in line:
        reason = "send() takes one line, this has an LF inside"
        raise InvalidArgumentError(reason)
    return line


def is_too_deep(line: bytes) -> bool:
    """Whether a line of JSON is nested more deeply than the kernel reads."""
    if len(line) <= 2 * MAX_DEPTH or line.count(b"[") + line.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _NO_BRACKET.sub(b"", line).translate(_ONE_KIND)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")  # the innermost level
    return bool(brackets)


def request(
    message_id: str, method: str, params: Any, *, session_id: str, pool: str | None, options: RequestOptions | None
) -> dict[str, Any]:
    """A request (SDK-WIR-01); `params` and `pool` are written only when given."""
    message = {"jsonrpc": "2.0", "id": message_id, "method": method, "sessionId": session_id}
    return _complete(message, params, pool, options)


def notification(
    method: str, params: Any, *, session_id: str, pool: str | None, options: RequestOptions | None
) -> dict[str, Any]:
    """A notification: a request without an id."""
    return _complete({"jsonrpc": "2.0", "method": method, "sessionId": session_id}, params, pool, options)


def _complete(message: dict[str, Any], params: Any, pool: str | None, options: RequestOptions | None) -> dict[str, Any]:
    if params is not None:
        message["params"] = params
    if pool is not None:
        message["pool"] = pool
    if options is not None:
        if options.agent_id is not None:
            message["agentId"] = options.agent_id
        parts = {"identity": options.identity, "audit": options.audit}
        extensions = {name: part.to_dict() for name, part in parts.items() if part is not None}
        if extensions:
            message["_ext"] = extensions
    return message


def answer(of: dict[str, Any], *, result: Any = None, error: dict[str, Any] | None = None) -> dict[str, Any]:
    """The response to a worker's request, on its session."""
    response: dict[str, Any] = {"jsonrpc": "2.0", "id": of["id"]}
    if "sessionId" in of:
        response["sessionId"] = of["sessionId"]
    return response | ({"result": result} if error is None else {"error": error})


def refusal(of: dict[str, Any]) -> dict[str, Any]:
    """The answer to a worker's request that nobody here handles."""
    return answer(of, error={"code": METHOD_NOT_FOUND, "message": f"no handler for {of['method']}"})


def chunk_text(message: dict[str, Any]) -> str | None:
    """The text of an ``agent_message_chunk``, or None where the notification is something else (SDK-AGG-01)."""
    if message.get("method") != "session/update":
        return None
    params = message.get("params")
    update = params.get("update") if isinstance(params, dict) else None
    if not isinstance(update, dict) or update.get("sessionUpdate") != "agent_message_chunk":
        return None
    content = update.get("content")
    text = content.get("text") if isinstance(content, dict) else None
    return text if isinstance(text, str) else None


def sessions_of(message: dict[str, Any]) -> tuple[str | None, str | None]:
    """The top-level ``sessionId`` and ``params.sessionId`` of a message, where they are strings."""
    outer, params = message.get("sessionId"), message.get("params")
    inner = params.get("sessionId") if isinstance(params, dict) else None
    return (outer if isinstance(outer, str) else None, inner if isinstance(inner, str) else None)


def _refuse(constant: str) -> None:
    reason = f"{constant} is not JSON"
    raise ValueError(reason)
