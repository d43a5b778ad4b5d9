"""Loads a session without its conversation. Breaks WRK-ACP-16."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Loads a session without its conversation."""

    async def load_session(self, params: Message) -> None:
        """Only look whether it is there."""
        self.session(params)


if __name__ == "__main__":
    main(Saboteur)
