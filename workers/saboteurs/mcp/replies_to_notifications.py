"""Answers a notification that it does not know. Breaks WRK-MCP-20."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Answers a notification that it does not know."""

    async def handle(self, message: Message) -> None:
        """Answer without an id."""
        if "id" not in message and message["method"].startswith("notifications/pytest"):
            self.send({"id": None, "error": {"code": -32601, "message": "unknown"}})
        await super().handle(message)


if __name__ == "__main__":
    main(Saboteur)
