"""Declares prompts and has none of their methods. Breaks WRK-MCP-16."""

from __future__ import annotations

from honest_server import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Declares prompts and has none of their methods."""

    async def list_prompts(self, _: Message) -> Message:
        """Not yet."""
        raise Refusal(-32601, "not yet")


if __name__ == "__main__":
    main(Saboteur)
