"""Asks for the client's roots before the client is ready. Breaks WRK-MCP-21."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Asks for the client's roots before the client is ready."""

    async def initialize(self, params: Message) -> Message:
        """Ask, then answer."""
        self.send({"id": "roots", "method": "roots/list"})
        return await super().initialize(params)


if __name__ == "__main__":
    main(Saboteur)
