# SPDX-License-Identifier: Apache-2.0
"""Messages as objects and as exact bytes."""

import json
from typing import Any

Message = dict[str, Any]

#: Reason -> code of the kernel's own errors (KRN-ERR-02, KRN-FRM-04, KRN-FRM-09).
CODES = {
    "worker_exited": -32090,
    "no_worker": -32091,
    "unknown_pool": -32092,
    "pool_required": -32092,
    "pool_mismatch": -32092,
    "unknown_session": -32092,
    "overloaded": -32093,
    "shutting_down": -32095,
    "id_in_use": -32096,
    "limit_reached": -32096,
    "invalid_response": -32097,
    "ambiguous_response": -32097,
    "ambiguous_answer": -32097,
    "client_gone": -32097,
    "message_too_large": -32600,
    "duplicate_id": -32600,
}


def encode(message: Message | bytes) -> bytes:
    """Return a line without its LF; bytes are taken as they are."""
    if isinstance(message, bytes):
        return message
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def request(id_: object, *, session: str | None = None, method: str = "m", **members: object) -> Message:
    """Return a request; further members stand at the top level."""
    message: Message = {"jsonrpc": "2.0", "id": id_, "method": method}
    return _with(message, session, members)


def notification(*, session: str | None = None, method: str = "n", **members: object) -> Message:
    """Return a notification."""
    message: Message = {"jsonrpc": "2.0", "method": method}
    return _with(message, session, members)


def result(id_: object, value: object = None, *, session: str | None = None, **members: object) -> Message:
    """Return a successful response."""
    message: Message = {"jsonrpc": "2.0", "id": id_, "result": value}
    return _with(message, session, members)


def answer_to(message: Message, value: object = None) -> Message:
    """Return the response to a request: its id, and its session where it has one."""
    return result(message["id"], value, session=message.get("sessionId"))


def _with(message: Message, session: str | None, members: dict[str, object]) -> Message:
    if session is not None:
        message["sessionId"] = session
    message.update(members)
    return message


def kernel_error(
    id_: object, reason: str | None = None, *, code: int | None = None, session: str | None = None
) -> "KernelError":
    """Return a pattern that equals a kernel error for that id, with that reason and exactly that session."""
    return KernelError(id_, reason, CODES[reason] if code is None and reason is not None else code, session)


class KernelError:
    """A pattern of the kernel's own error message (KRN-ERR-02)."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, id_: object, reason: str | None, code: int | None, session: str | None) -> None:
        self.id, self.reason, self.code, self.session = id_, reason, code, session

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dict) or "result" in other or "method" in other:
            return False
        error = other.get("error")
        if not isinstance(error, dict) or not isinstance(error.get("message"), str) or "id" not in other:
            return False
        data = error.get("data")
        return (
            type(other["id"]) is type(self.id)
            and other["id"] == self.id
            and other.get("jsonrpc") == "2.0"
            and other.get("sessionId") == self.session
            and ("sessionId" in other) is (self.session is not None)
            and (self.code is None or error.get("code") == self.code)
            and isinstance(data, dict)
            and data.get("source") == "stdio_bus"
            and isinstance(data.get("reason"), str)
            and (self.reason is None or data["reason"] == self.reason)
        )

    def __repr__(self) -> str:
        return f"<kernel error id={self.id!r} code={self.code} reason={self.reason} session={self.session!r}>"


def is_kernel_error(message: Message) -> bool:
    """Tell an error of the kernel from a worker's."""
    error = message.get("error")
    data = error.get("data") if isinstance(error, dict) else None
    return isinstance(data, dict) and data.get("source") == "stdio_bus"
