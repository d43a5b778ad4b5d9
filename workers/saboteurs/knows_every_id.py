"""Answers an id once in its life. Breaks WRK-03.

Does your code count its ids up, or use one again?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest import Message


class Saboteur(Worker):
    """Answers an id once in its life."""

    def __init__(self) -> None:
        """Know no id yet."""
        super().__init__()
        self._known: list[Any] = []

    def on_request(self, message: Message) -> None:
        """Take a known id for a duplicate."""
        if message["id"] not in self._known:
            self._known.append(message["id"])
            super().on_request(message)


if __name__ == "__main__":
    main(Saboteur)
