"""Refuses links to resources. Breaks WRK-ACP-09."""

from __future__ import annotations

from honest_agent import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Refuses links to resources."""

    async def prompt(self, params: Message) -> Message:
        """Text only."""
        if any(block.get("type") == "resource_link" for block in params.get("prompt", [])):
            raise Refusal(-32602, "text only")
        return await super().prompt(params)


if __name__ == "__main__":
    main(Saboteur)
