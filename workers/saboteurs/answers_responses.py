"""Refuses responses, by answering them. Breaks WRK-16.

Does your code answer back?
"""

from __future__ import annotations

from honest import INVALID_REQUEST, Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Refuses responses, by answering them."""

    def on_response(self, message: Message) -> None:
        """Take everything for a request."""
        if "id" in message:
            self.fail(message, INVALID_REQUEST, "no method")


if __name__ == "__main__":
    main(Saboteur)
