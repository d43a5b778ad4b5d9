"""Answers notifications, with the id null. Breaks WRK-03.

Does your code bear an answer to what it has not asked?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Answers notifications, with the id null."""

    def on_notification(self, message: Message) -> None:
        """Answer all the same."""
        self.respond({**message, "id": None}, {"result": None})


if __name__ == "__main__":
    main(Saboteur)
