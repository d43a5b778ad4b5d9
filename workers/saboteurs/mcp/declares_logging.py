"""Declares logging and cannot set its level. Breaks WRK-MCP-23."""

from __future__ import annotations

from honest_server import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Declares logging and cannot set its level."""

    async def set_level(self, _: Message) -> Message:
        """Not yet."""
        raise Refusal(-32601, "not yet")


if __name__ == "__main__":
    main(Saboteur)
