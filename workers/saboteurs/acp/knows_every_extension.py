"""Answers every custom method with success. Breaks WRK-ACP-25."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest_agent import Message


class Saboteur(Peer):
    """Answers every custom method with success."""

    async def call(self, message: Message) -> Any:
        """Answer what it does not know as if it did."""
        if message["method"].startswith("_"):
            return {}
        return await super().call(message)


if __name__ == "__main__":
    main(Saboteur)
