"""Lists tools without the schema of their input. Breaks WRK-MCP-08."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Lists tools without the schema of their input."""

    async def list_tools(self, params: Message) -> Message:
        """Names and descriptions only."""
        listed = await super().list_tools(params)
        return {**listed, "tools": [{"name": tool["name"]} for tool in listed["tools"]]}


if __name__ == "__main__":
    main(Saboteur)
