"""Dies of a notification that has a member it does not know. Breaks WRK-05.

Is your worker started again when another client has killed it?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message

_KNOWN = {"jsonrpc", "id", "method", "params", "result", "error", "sessionId"}


class Saboteur(Worker):
    """Dies of a notification that has a member it does not know."""

    def on_notification(self, message: Message) -> None:
        """Take what it does not know for an error of its own."""
        if unknown := message.keys() - _KNOWN:
            raise KeyError(*unknown)


if __name__ == "__main__":
    main(Saboteur)
