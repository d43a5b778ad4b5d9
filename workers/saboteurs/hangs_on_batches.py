"""Hangs on a batch. Breaks WRK-06.

Does a timeout of your code find out?
"""

from __future__ import annotations

import signal

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Worker):
    """Hangs on a batch."""

    def on_no_object(self, message: Any) -> None:
        """Wait for something that never comes."""
        while isinstance(message, list):
            signal.pause()
        super().on_no_object(message)


if __name__ == "__main__":
    main(Saboteur)
