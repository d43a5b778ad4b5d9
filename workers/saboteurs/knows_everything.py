"""Answers every method, with null. Breaks WRK-07.

Does your code take null for the result of a method that does not exist?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Answers every method, with null."""

    def on_unknown(self, message: Message) -> None:
        """Do as if."""
        self.respond(message, {"result": None})


if __name__ == "__main__":
    main(Saboteur)
