"""Gives every session the same id. Breaks WRK-ACP-07."""

from __future__ import annotations

from honest_agent import Peer, main


class Saboteur(Peer):
    """Gives every session the same id."""

    def new_id(self) -> str:
        """Always this one."""
        return "session"


if __name__ == "__main__":
    main(Saboteur)
