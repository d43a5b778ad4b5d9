"""Sends every update to the session that was first. Breaks WRK-ACP-20."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message, Session


class Saboteur(Peer):
    """Sends every update to the session that was first."""

    def update(self, session: Session, update: Message) -> None:
        """Name the first."""
        super().update(next(iter(self.sessions.values()), session), update)


if __name__ == "__main__":
    main(Saboteur)
