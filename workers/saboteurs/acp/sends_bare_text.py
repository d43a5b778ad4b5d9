"""Sends text where a block of content belongs. Breaks WRK-ACP-19."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Session


class Saboteur(Peer):
    """Sends text where a block of content belongs."""

    def say(self, session: Session, text: str) -> None:
        """Text alone."""
        self.update(session, {"sessionUpdate": "agent_message_chunk", "content": text})


if __name__ == "__main__":
    main(Saboteur)
