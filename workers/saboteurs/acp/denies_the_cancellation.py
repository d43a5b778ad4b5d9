"""Answers a cancelled prompt with end_turn. Breaks WRK-ACP-11."""

from __future__ import annotations

import asyncio

from honest_agent import Peer, main


class Saboteur(Peer):
    """Answers a cancelled prompt with end_turn."""

    async def outcome(self, turn: asyncio.Task[str]) -> str:
        """Nothing happened."""
        await asyncio.wait([turn])
        if turn.cancelled():
            return "end_turn"
        return turn.result()


if __name__ == "__main__":
    main(Saboteur)
