"""Ends when it gets a notification that it does not know. Breaks WRK-ACP-22."""

from __future__ import annotations

import os

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest_agent import Message


class Saboteur(Peer):
    """Ends when it gets a notification that it does not know."""

    async def call(self, message: Message) -> Any:
        """Give up."""
        if "id" not in message and message["method"] not in self.methods:
            os._exit(1)
        return await super().call(message)


if __name__ == "__main__":
    main(Saboteur)
