"""Says more to a ping than it should. Breaks WRK-MCP-05."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Says more to a ping than it should."""

    async def ping(self, _: Message) -> Message:
        """Pong."""
        return {"pong": True}


if __name__ == "__main__":
    main(Saboteur)
