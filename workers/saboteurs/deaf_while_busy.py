"""Loses the requests that come while it is busy with another. Breaks WRK-03.

Does your code have two requests under way at once?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Loses the requests that come while it is busy with another."""

    def on_request(self, message: Message) -> None:
        """Look whether there is something to do."""
        if not self.busy:
            super().on_request(message)


if __name__ == "__main__":
    main(Saboteur)
