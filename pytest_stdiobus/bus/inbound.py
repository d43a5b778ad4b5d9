"""What arrives from the bus: read once, handed to whom it concerns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.bus.calls import CallTable

    Handler = Callable[[str], object]

_log = logging.getLogger(__name__)


class Inbound:
    """Settles requests, collects their text, and calls the user's handlers (SDK-SUB-04)."""

    def __init__(self, calls: CallTable, reply: Callable[[dict[str, Any]], None]) -> None:
        """Deliver to `calls`; answer a worker's own requests with `reply`."""
        self._calls = calls
        self._reply = reply
        self.on_message: list[Handler] = []
        self.on_notification: list[Handler] = []

    def receive(self, line: bytes) -> None:
        """Take one line. What cannot be read is logged and dropped."""
        try:
            text = line.decode()
            message = messages.decode(text)
        except (ValueError, RecursionError) as error:
            _log.warning("a line from the bus was dropped, it is not a readable message (%s): %r", error, line[:200])
            return
        _call_each(self.on_message, text)
        if "method" not in message:
            self._calls.answer(message)
        elif "id" in message:
            self._reply(messages.refusal(message))
        else:
            if (chunk := messages.chunk_text(message)) is not None:
                self._calls.add_chunk(message, chunk)
            _call_each(self.on_notification, text)


def _call_each(handlers: list[Handler], text: str) -> None:
    for handler in tuple(handlers):
        try:
            handler(text)
        except Exception:  # noqa: BLE001 - whatever a user's handler raises
            _log.exception("a message handler failed")
