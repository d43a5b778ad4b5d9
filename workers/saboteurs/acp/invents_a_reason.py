"""Ends turns with a stop reason of its own. Breaks WRK-ACP-08."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Session


class Saboteur(Peer):
    """Ends turns with a stop reason of its own."""

    async def turn(self, session: Session, text: str) -> str:
        """Be done."""
        await super().turn(session, text)
        return "done"


if __name__ == "__main__":
    main(Saboteur)
