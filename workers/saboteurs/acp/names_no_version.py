"""Says nothing of a version when it is initialized. Breaks WRK-ACP-01."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Says nothing of a version when it is initialized."""

    async def initialize(self, params: Message) -> Message:
        """Say everything else."""
        answer = await super().initialize(params)
        del answer["protocolVersion"]
        return answer


if __name__ == "__main__":
    main(Saboteur)
