"""Reports success for a tool that does not exist. Breaks WRK-MCP-11."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Reports success for a tool that does not exist."""

    def unknown(self, name: str) -> Message:
        """Done."""
        return {"content": [{"type": "text", "text": f"{name} is done"}]}


if __name__ == "__main__":
    main(Saboteur)
