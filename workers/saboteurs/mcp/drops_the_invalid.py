"""Drops requests that it cannot read. Breaks WRK-MCP-19."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Drops requests that it cannot read."""

    async def handle(self, message: Message) -> None:
        """Only what is valid."""
        if isinstance(message["method"], str) and isinstance(message.get("params", {}), dict):
            await super().handle(message)


if __name__ == "__main__":
    main(Saboteur)
