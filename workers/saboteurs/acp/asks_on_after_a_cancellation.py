"""Goes on with its turn when it is cancelled while it asks for permission. Breaks WRK-ACP-14."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message, Session


class Saboteur(Peer):
    """Goes on with its turn when it is cancelled while it asks for permission."""

    async def ask_first(self, session: Session) -> str:
        """Take any answer for a yes."""
        self.asking.add(session.id)
        await super().ask_first(session)
        return "end_turn"

    async def cancel(self, params: Message) -> None:
        """Not while a question is open."""
        if params.get("sessionId") not in self.asking:
            await super().cancel(params)

    def __init__(self) -> None:
        """Begin without a question."""
        super().__init__()
        self.asking: set[str] = set()


if __name__ == "__main__":
    main(Saboteur)
