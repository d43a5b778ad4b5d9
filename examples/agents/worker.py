"""A worker that needs no file beside it: it adds numbers, and keeps the rules for workers."""

from __future__ import annotations

import json
import os
import select
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = 0


def lines() -> Iterator[bytes]:
    """The lines of the input until it ends; after SIGTERM those that have already arrived."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGTERM, lambda *_: None)
    rest = b""
    while select.select([STDIN, woken], [], []) and select.select([STDIN], [], [], 0)[0]:
        data = os.read(STDIN, 65536)
        *complete, rest = (rest + data).split(b"\n")
        yield from complete
        if not data:
            break
    yield rest


def response(line: bytes) -> dict[str, Any] | None:
    """What the line is answered with; nothing where it is no request.

    Raises:
        ValueError, RecursionError: the line is not JSON.
    """
    message = json.loads(line.decode())
    if not isinstance(message, dict):
        return {"id": None, "error": {"code": -32600, "message": "a message is a JSON object"}}
    if not {"method", "id"} <= message.keys():
        return None
    return {**{name: message[name] for name in ("id", "sessionId") if name in message}, **outcome(message)}


def outcome(request: dict[str, Any]) -> dict[str, Any]:
    """The member of the response that says how the request went."""
    if not isinstance(request["method"], str) or isinstance(request["id"], (bool, list, dict)):
        return {"error": {"code": -32600, "message": "method must be a string, id a string, a number or null"}}
    if request["method"] != "add":
        return {"error": {"code": -32601, "message": "only add is known"}}
    try:
        return {"result": sum(request["params"])}
    except (KeyError, TypeError):
        return {"error": {"code": -32602, "message": "params must be an array of numbers"}}


for line in filter(bytes.strip, lines()):
    try:
        answer = response(line)
        text = json.dumps({"jsonrpc": "2.0", **answer}, allow_nan=False) if answer else ""  # JSON has no Infinity
    except (ValueError, RecursionError):
        text = '{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "not JSON"}}'
    if text:
        print(text, flush=True)
