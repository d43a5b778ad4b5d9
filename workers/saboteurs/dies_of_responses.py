"""Dies of a response that it has not asked for. Breaks WRK-06.

Is a worker of yours started again after that?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Dies of a response that it has not asked for."""

    def on_response(self, message: Message) -> None:
        """Look for what is not there."""
        self.call(message)


if __name__ == "__main__":
    main(Saboteur)
