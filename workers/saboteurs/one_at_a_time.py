"""Does nothing else while a request takes its time. Breaks WRK-12.

Does one slow conversation hold up all others of your code?
"""

from __future__ import annotations

import time

from honest import SLOW_S, Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Does nothing else while a request takes its time."""

    def slow(self, message: Message) -> None:
        """Sleep on it."""
        time.sleep(SLOW_S)
        self.respond(message, {"result": "at last"})


if __name__ == "__main__":
    main(Saboteur)
