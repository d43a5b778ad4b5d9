"""A worker that answers any request with ``{"echo": params}``, and streams on the method ``stream``.

Only methods whose names JSON-RPC 2.0 keeps for itself (``rpc.``) are unknown to it.

Run it as a file, or with ``python -m pytest_stdiobus.workers.echo``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serving import METHOD_NOT_FOUND, Refusal, serve
from stream import METHOD, stream

if TYPE_CHECKING:
    from serving import Emit, Message

_RESERVED = "rpc."


def handle(method: str, message: Message, emit: Emit) -> Any:
    """Echo the parameters, whatever the method."""
    if method == METHOD and isinstance(message.get("params"), dict) and "prompt" in message["params"]:
        return stream(message, emit)
    if method.startswith(_RESERVED):
        raise Refusal(METHOD_NOT_FOUND, f"unknown method {method}")
    return {"echo": message.get("params")}


if __name__ == "__main__":
    serve(handle)
