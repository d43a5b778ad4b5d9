"""Sends an update before the session's id is known. Breaks WRK-ACP-18."""

from __future__ import annotations

from honest_agent import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Sends an update before the session's id is known."""

    async def new_session(self, params: Message) -> Message:
        """Announce the commands, then the session."""
        answer = await super().new_session(params)
        update = {"sessionUpdate": "available_commands_update", "availableCommands": []}
        self.notify("session/update", {**answer, "update": update})
        return answer


if __name__ == "__main__":
    main(Saboteur)
