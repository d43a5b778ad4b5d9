"""Takes a prompt for a session that never was. Breaks WRK-ACP-15."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Takes a prompt for a session that never was."""

    async def prompt(self, params: Message) -> Message:
        """Pretend."""
        if params.get("sessionId") in self.sessions or "sessionId" not in params:
            return await super().prompt(params)
        return {"stopReason": "end_turn"}


if __name__ == "__main__":
    main(Saboteur)
