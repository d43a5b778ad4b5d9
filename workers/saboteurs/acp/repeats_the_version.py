"""Agrees to every version. Breaks WRK-ACP-02."""

from __future__ import annotations

from honest_agent import Peer, main


class Saboteur(Peer):
    """Agrees to every version."""

    def version(self, asked: int) -> int:
        """Whatever was asked for."""
        return asked


if __name__ == "__main__":
    main(Saboteur)
