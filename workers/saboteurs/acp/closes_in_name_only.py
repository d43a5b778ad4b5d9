"""Closes a session and lets its turn run on. Breaks WRK-ACP-24."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Closes a session and lets its turn run on."""

    async def close_session(self, params: Message) -> Message:
        """Say so."""
        self.session(params)
        return {}


if __name__ == "__main__":
    main(Saboteur)
