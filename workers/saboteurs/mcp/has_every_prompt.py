"""Gives a prompt that does not exist. Breaks WRK-MCP-22."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Gives a prompt that does not exist."""

    async def get_prompt(self, params: Message) -> Message:
        """The one there is."""
        return await super().get_prompt({**params, "name": "greet"})


if __name__ == "__main__":
    main(Saboteur)
