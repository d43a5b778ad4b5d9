"""Answers bad parameters with the code of an internal error. Breaks WRK-MCP-07."""

from __future__ import annotations

from honest_server import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest_server import Message


class Saboteur(Peer):
    """Answers bad parameters with the code of an internal error."""

    async def call(self, message: Message) -> Any:
        """Blame itself."""
        try:
            return await super().call(message)
        except Refusal as refusal:
            if refusal.code == -32602:
                raise Refusal(-32603, refusal.message) from None
            raise


if __name__ == "__main__":
    main(Saboteur)
