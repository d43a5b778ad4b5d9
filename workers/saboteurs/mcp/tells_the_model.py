"""Reports an unknown tool in a result. Breaks WRK-MCP-12."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Reports an unknown tool in a result."""

    def unknown(self, name: str) -> Message:
        """Tell the model."""
        return {"content": [{"type": "text", "text": f"unknown tool {name}"}], "isError": True}


if __name__ == "__main__":
    main(Saboteur)
