"""Keeps a cancellation for the next turn. Breaks WRK-ACP-23."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Keeps a cancellation for the next turn."""

    async def cancel(self, params: Message) -> None:
        """Remember it where no turn runs."""
        session = self.sessions.get(str(params.get("sessionId")))
        if session is not None and session.turn is None:
            self.doomed.add(session.id)
        await super().cancel(params)

    async def prompt(self, params: Message) -> Message:
        """Cancelled beforehand."""
        if params.get("sessionId") in self.doomed:
            self.doomed.remove(params["sessionId"])
            return {"stopReason": "cancelled"}
        return await super().prompt(params)

    def __init__(self) -> None:
        """Begin with nothing cancelled."""
        super().__init__()
        self.doomed: set[str] = set()


if __name__ == "__main__":
    main(Saboteur)
