"""Says nothing to an invalid request. Breaks WRK-03.

Does your code wait for ever for the answer to a mistake of its own?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Says nothing to an invalid request."""

    def on_invalid(self, message: Message) -> None:
        """Log it at most."""


if __name__ == "__main__":
    main(Saboteur)
