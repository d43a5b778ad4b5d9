"""Stays when its input has ended. Breaks WRK-08.

Are workers of yours left when the bus has gone?
"""

from __future__ import annotations

import signal

from honest import Worker, main


class Saboteur(Worker):
    """Stays when its input has ended."""

    def on_end_of_input(self) -> None:
        """Wait for a signal."""
        while self.reading:
            signal.pause()


if __name__ == "__main__":
    main(Saboteur)
