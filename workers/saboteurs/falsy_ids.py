"""Takes a request whose id is 0 or empty for a notification. Breaks WRK-03.

Do the ids of your code begin with 0?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Takes a request whose id is 0 or empty for a notification."""

    def on_request(self, message: Message) -> None:
        """Ask for the id in the wrong way."""
        if message["id"]:
            super().on_request(message)


if __name__ == "__main__":
    main(Saboteur)
