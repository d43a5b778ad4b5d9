"""Says nothing of itself when it is initialized. Breaks WRK-MCP-01."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Says nothing of itself when it is initialized."""

    async def initialize(self, params: Message) -> Message:
        """Say everything else."""
        answer = await super().initialize(params)
        del answer["serverInfo"]
        return answer


if __name__ == "__main__":
    main(Saboteur)
