"""Answers without the session. Breaks WRK-04.

Does your code find the request by its id alone?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Answers without the session."""

    def respond(self, request: Message, answer: Message) -> None:
        """Answer without it."""
        super().respond({**request, "sessionId": None}, answer)


if __name__ == "__main__":
    main(Saboteur)
