"""Runs one turn at a time, of all sessions. Breaks WRK-ACP-21."""

from __future__ import annotations

import asyncio

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Runs one turn at a time, of all sessions."""

    async def prompt(self, params: Message) -> Message:
        """Wait for the turn before."""
        async with self.lock:
            return await super().prompt(params)

    async def run(self) -> None:
        """Work with one lock."""
        self.lock = asyncio.Lock()
        await super().run()


if __name__ == "__main__":
    main(Saboteur)
