"""Leaves the session out of errors. Breaks WRK-04.

Does an error of a session reach its caller?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Leaves the session out of errors."""

    def fail(self, request: Message, code: int, text: str) -> None:
        """Answer without it."""
        super().fail({**request, "sessionId": None}, code, text)


if __name__ == "__main__":
    main(Saboteur)
