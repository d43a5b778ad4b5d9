"""Reads a resource that does not exist as empty. Breaks WRK-MCP-17."""

from __future__ import annotations

from honest_server import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Reads a resource that does not exist as empty."""

    async def read_resource(self, params: Message) -> Message:
        """Nothing, where there is nothing."""
        try:
            return await super().read_resource(params)
        except Refusal:
            return {"contents": []}


if __name__ == "__main__":
    main(Saboteur)
