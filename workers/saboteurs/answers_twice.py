"""Answers every request twice. Breaks WRK-03.

Does a second answer reach the next request of your code, or its logs?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Answers every request twice."""

    def respond(self, request: Message, answer: Message) -> None:
        """Answer, and again."""
        super().respond(request, answer)
        super().respond(request, answer)


if __name__ == "__main__":
    main(Saboteur)
