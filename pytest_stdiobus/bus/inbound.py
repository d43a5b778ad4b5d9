"""What arrives from the bus: read once, handed to whom it concerns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.bus.calls import CallTable
    from pytest_stdiobus.bus.destinations import Destinations
    from pytest_stdiobus.bus.subscriptions import Subscription

    Handler = Callable[[str], object]

_log = logging.getLogger(__name__)


class Inbound:
    """Settles requests, collects their text, and calls the user's handlers (SDK-SUB-04)."""

    def __init__(self, calls: CallTable, destinations: Destinations, ask: Callable[[dict[str, Any]], None]) -> None:
        """Deliver to `calls`; hand a worker's own requests to `ask`."""
        self._calls = calls
        self._destinations = destinations
        self._ask = ask
        self.on_message: list[Handler] = []
        self.on_notification: list[Handler] = []
        self.subscriptions: list[Subscription] = []

    def receive(self, line: bytes) -> None:
        """Take one line. What cannot be read is logged and dropped."""
        try:
            text = line.decode()
            message = messages.decode(text)
        except (ValueError, RecursionError) as error:
            _log.warning("a line from the bus was dropped, it is not a readable message (%s): %r", error, line[:200])
            return
        if self.on_message:
            _call_each(self.on_message, text)
        if "method" not in message:
            self._answer(message)
        elif "id" in message:
            self._ask(message)
        else:
            if (chunk := messages.chunk_text(message)) is not None:
                self._calls.add_chunk(message, chunk)
            self._publish(message)
            if self.on_notification:
                _call_each(self.on_notification, text)

    def end(self) -> None:
        """End every subscription: nothing more will arrive (SDK-SUB-05)."""
        for subscription in tuple(self.subscriptions):
            subscription.close()

    def forget(self, subscription: Subscription) -> None:
        """Give a subscription that was closed nothing more; repeating it is allowed."""
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)

    def _answer(self, message: dict[str, Any]) -> None:
        call = self._calls.answer(message)
        result = message.get("result")
        if call is not None and isinstance(result, dict) and isinstance(result.get("sessionId"), str):
            for pool in filter(None, map(self._destinations.pool_of, call.sessions)):
                self._destinations.learn(result["sessionId"], pool)

    def _publish(self, message: dict[str, Any]) -> None:
        if not self.subscriptions:
            return
        outer, inner = messages.sessions_of(message)
        pool = self._destinations.pool_of(outer if outer is not None else inner)
        for subscription in tuple(self.subscriptions):
            subscription.offer(message, pool)


def _call_each(handlers: list[Handler], text: str) -> None:
    for handler in tuple(handlers):
        try:
            handler(text)
        except Exception:  # noqa: BLE001 - whatever a user's handler raises
            _log.exception("a message handler failed")
