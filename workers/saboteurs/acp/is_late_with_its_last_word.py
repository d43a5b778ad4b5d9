"""Sends the end of its answer after the response. Breaks WRK-ACP-17."""

from __future__ import annotations

import asyncio

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Sends the end of its answer after the response."""

    async def prompt(self, params: Message) -> Message:
        """Say the end as soon as the response is written."""
        session = self.session(params)
        answer = await super().prompt(params)
        if answer["stopReason"] == "end_turn":
            asyncio.get_running_loop().call_soon(self.say, session, "the end")
        return answer


if __name__ == "__main__":
    main(Saboteur)
