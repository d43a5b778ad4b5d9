"""Takes no prompt after a cancelled one. Breaks WRK-ACP-12."""

from __future__ import annotations

from honest_agent import Peer, Refusal, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_agent import Message


class Saboteur(Peer):
    """Takes no prompt after a cancelled one."""

    async def prompt(self, params: Message) -> Message:
        """Keep the turn that was cancelled."""
        session = self.session(params)
        if session.id in self.wedged:
            raise Refusal(-32600, "a turn is running in this session")
        answer = await super().prompt(params)
        if answer["stopReason"] == "cancelled":
            self.wedged.add(session.id)
        return answer

    def __init__(self) -> None:
        """Begin with nothing wedged."""
        super().__init__()
        self.wedged: set[str] = set()


if __name__ == "__main__":
    main(Saboteur)
