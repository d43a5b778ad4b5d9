"""Reports something after a cancelled turn was answered. Breaks WRK-ACP-10."""

from __future__ import annotations

import asyncio

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Reports something after a cancelled turn was answered."""

    async def prompt(self, params: Message) -> Message:
        """Say one thing more as soon as the response is written."""
        session = self.session(params)
        answer = await super().prompt(params)
        if answer["stopReason"] == "cancelled":
            asyncio.get_running_loop().call_soon(self.say, session, "one thing more")
        return answer


if __name__ == "__main__":
    main(Saboteur)
