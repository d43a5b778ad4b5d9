"""Gives text where an array of content belongs. Breaks WRK-MCP-10."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Gives text where an array of content belongs."""

    async def call_tool(self, params: Message) -> Message:
        """Text alone."""
        answer = await super().call_tool(params)
        return {"content": answer["content"][0]["text"]}


if __name__ == "__main__":
    main(Saboteur)
