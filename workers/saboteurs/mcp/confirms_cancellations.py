"""Answers a call that was cancelled. Breaks WRK-MCP-25."""

from __future__ import annotations

import json

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Answers a call that was cancelled."""

    async def cancel(self, params: Message) -> None:
        """Confirm it."""
        running = json.dumps(params.get("requestId")) in self.requests
        await super().cancel(params)
        if running:
            self.send({"id": params["requestId"], "error": {"code": 0, "message": "cancelled"}})


if __name__ == "__main__":
    main(Saboteur)
