"""Refuses a message that has a member it does not know. Breaks WRK-05.

Does your code say why a strict worker has refused?
"""

from __future__ import annotations

from honest import INVALID_REQUEST, Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message

_KNOWN = {"jsonrpc", "id", "method", "params", "result", "error", "sessionId"}


class Saboteur(Worker):
    """Refuses a message that has a member it does not know."""

    def on_request(self, message: Message) -> None:
        """Be strict."""
        if message.keys() <= _KNOWN:
            super().on_request(message)
        else:
            self.fail(message, INVALID_REQUEST, "unknown member")


if __name__ == "__main__":
    main(Saboteur)
