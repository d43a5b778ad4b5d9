"""What the kernel itself says: errors in its own name, and the log."""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envelopes import Refusal

REASONS = {
    "worker_exited": -32090,
    "no_worker": -32091,
    "unknown_pool": -32092,
    "pool_required": -32092,
    "pool_mismatch": -32092,
    "unknown_session": -32092,
    "overloaded": -32093,
    "shutting_down": -32095,
    "id_in_use": -32096,
    "invalid_response": -32097,
    "ambiguous_response": -32097,
    "ambiguous_answer": -32097,
    "client_gone": -32097,
    "duplicate_id": -32600,
}
_PIPE_BUF = 4096


class Errors:
    """Writes errors as JSON-RPC says."""

    def of(self, reason: str, id_text: str, session_text: str = "null") -> bytes:
        """The error for a request, with its id and session as they were spelled."""
        return self.line(REASONS[reason], reason, id_text, session_text)

    def of_line(self, refusal: Refusal) -> bytes:
        """The error for a line that is no message."""
        return self.line(refusal.code, refusal.reason, refusal.id_text)

    def line(self, code: int, reason: str, id_text: str, session_text: str = "null") -> bytes:
        """An error as a line."""
        session = "" if session_text == "null" else f',"sessionId":{session_text}'
        data = self.data(reason)
        message = reason.replace("_", " ")
        return (
            f'{{"jsonrpc":"2.0","id":{id_text},"error":{{"code":{code},"message":"{message}","data":{data}}}{session}}}'
        ).encode()

    def data(self, reason: str) -> str:
        """Who says so, and why."""
        return f'{{"source":"stdio_bus","reason":"{reason}"}}'


class Log:
    """Lines on stderr, as far as somebody reads them."""

    def say(self, text: str) -> None:
        """Write a line, or lose it where that would block."""
        if self.can_write():
            try:
                os.write(2, text.encode("utf-8", "replace")[: _PIPE_BUF - 1].replace(b"\n", b" ") + b"\n")
            except OSError:
                return

    def can_write(self) -> bool:
        """Whether a line can be written at once."""
        return bool(select.select([], [2], [], 0)[1])
