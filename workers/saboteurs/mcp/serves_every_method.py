"""Answers every method with success. Breaks WRK-MCP-06."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest_server import Message


class Saboteur(Peer):
    """Answers every method with success."""

    async def call(self, message: Message) -> Any:
        """Answer what it does not know as if it did."""
        if message["method"] not in self.methods and "id" in message:
            return {}
        return await super().call(message)


if __name__ == "__main__":
    main(Saboteur)
