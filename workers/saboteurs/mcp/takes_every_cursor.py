"""Takes a cursor that it has not given for the beginning. Breaks WRK-MCP-09."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Takes a cursor that it has not given for the beginning."""

    async def list_tools(self, params: Message) -> Message:
        """From the beginning, where it makes no sense."""
        cursor = params.get("cursor", "0")
        return await super().list_tools({"cursor": cursor if cursor.isdecimal() else "0"})


if __name__ == "__main__":
    main(Saboteur)
