"""Answers a cancelled prompt with an error. Breaks WRK-ACP-11."""

from __future__ import annotations

import asyncio

from honest_agent import Peer, Refusal, main


class Saboteur(Peer):
    """Answers a cancelled prompt with an error."""

    async def outcome(self, turn: asyncio.Task[str]) -> str:
        """Let the exception through."""
        await asyncio.wait([turn])
        if turn.cancelled():
            raise Refusal(-32603, "CancelledError")
        return turn.result()


if __name__ == "__main__":
    main(Saboteur)
