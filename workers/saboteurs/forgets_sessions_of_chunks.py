"""Leaves the session out of notifications. Breaks WRK-04.

Does your code show chunks that belong to nobody?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Leaves the session out of notifications."""

    def notify(self, request: Message, notification: Message) -> None:
        """Tell it without."""
        super().notify({**request, "sessionId": None}, notification)


if __name__ == "__main__":
    main(Saboteur)
