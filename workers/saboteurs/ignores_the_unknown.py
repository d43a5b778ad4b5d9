"""Says nothing to a message that has a member it does not know. Breaks WRK-05.

Does your code send agentId or _ext to workers that never heard of them?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message

_KNOWN = {"jsonrpc", "id", "method", "params", "result", "error", "sessionId"}


class Saboteur(Worker):
    """Says nothing to a message that has a member it does not know."""

    def on_message(self, message: Message) -> None:
        """Be strict, and silent."""
        if message.keys() <= _KNOWN:
            super().on_message(message)


if __name__ == "__main__":
    main(Saboteur)
