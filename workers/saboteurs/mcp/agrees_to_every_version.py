"""Agrees to every version. Breaks WRK-MCP-02."""

from __future__ import annotations

from honest_server import Peer, main


class Saboteur(Peer):
    """Agrees to every version."""

    def version(self, asked: str) -> str:
        """Whatever was asked for."""
        return asked


if __name__ == "__main__":
    main(Saboteur)
