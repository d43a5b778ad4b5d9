"""Answers with the id as text. Breaks WRK-03.

Does your code take an answer to another request for the one it waits for?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Answers with the id as text."""

    def respond(self, request: Message, answer: Message) -> None:
        """Answer with another type of id."""
        super().respond({**request, "id": str(request["id"])}, answer)


if __name__ == "__main__":
    main(Saboteur)
