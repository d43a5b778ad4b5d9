"""Declares resources and has none of their methods. Breaks WRK-MCP-15."""

from __future__ import annotations

from honest_server import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Declares resources and has none of their methods."""

    async def list_resources(self, _: Message) -> Message:
        """Not yet."""
        raise Refusal(-32601, "not yet")


if __name__ == "__main__":
    main(Saboteur)
