"""Sends a title that is a number. Breaks WRK-MCP-18."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Sends a title that is a number."""

    async def list_tools(self, params: Message) -> Message:
        """A number for each."""
        listed = await super().list_tools(params)
        return {**listed, "tools": [{**tool, "title": number} for number, tool in enumerate(listed["tools"])]}


if __name__ == "__main__":
    main(Saboteur)
