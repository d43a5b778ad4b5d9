"""Sends progress with a token that nobody gave. Breaks WRK-MCP-14."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Peer):
    """Sends progress with a token that nobody gave."""

    async def wait(self, seconds: float, token: Any) -> None:
        """A token of its own."""
        await super().wait(seconds, token and "mine")


if __name__ == "__main__":
    main(Saboteur)
