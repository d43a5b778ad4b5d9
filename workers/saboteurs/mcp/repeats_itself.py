"""Answers its last request twice. Breaks WRK-MCP-04."""

from __future__ import annotations

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Answers its last request twice."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        super().__init__()
        self.latest: Message = {}

    def send(self, message: Message) -> None:
        """Keep the latest response."""
        if "method" not in message:
            self.latest = message
        super().send(message)

    async def run(self) -> None:
        """Work, then say the latest response again."""
        await super().run()
        if self.latest:
            super().send(self.latest)


if __name__ == "__main__":
    main(Saboteur)
