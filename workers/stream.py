"""A worker that streams: one ``session/update`` chunk per word of ``params.prompt``, then its response.

The chunks, joined, are the prompt. Run it as a file, or with ``python -m pytest_stdiobus.workers.stream``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from serving import INVALID_PARAMS, METHOD_NOT_FOUND, Refusal, serve

if TYPE_CHECKING:
    from serving import Emit, Message

METHOD = "stream"


def stream(message: Message, emit: Emit) -> Any:
    """Send the words, each with the space before it, and say why it ended."""
    params = message.get("params")
    prompt = params.get("prompt") if isinstance(params, dict) else None
    if not isinstance(prompt, str):
        raise Refusal(INVALID_PARAMS, "params.prompt must be a string")
    session = params.get("sessionId", message.get("sessionId")) if isinstance(params, dict) else None
    for word in re.findall(r"\s*\S+|\s+$", prompt):
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": word}}
        emit({"method": "session/update", "params": {"sessionId": session, "update": update}})
    return {"stopReason": "end_turn"}


def handle(method: str, message: Message, emit: Emit) -> Any:
    """Stream, or refuse what is not known."""
    if method != METHOD:
        raise Refusal(METHOD_NOT_FOUND, f"unknown method {method}; this worker knows {METHOD}")
    return stream(message, emit)


if __name__ == "__main__":
    serve(handle)
