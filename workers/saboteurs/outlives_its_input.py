"""Stays when its input has ended. Breaks WRK-08.

Are workers of yours left when the bus has gone?
"""

from __future__ import annotations

import sys

from honest import Worker, main


class Saboteur(Worker):
    """Stays when its input has ended."""

    def on_end_of_input(self) -> None:
        """Wait for a signal, an hour at most."""
        super().on_end_of_input()
        self.later(3600, lambda: None)

    def on_sigterm(self) -> None:
        """Leave when told to."""
        if not self.reading:
            sys.exit(0)
        super().on_sigterm()


if __name__ == "__main__":
    main(Saboteur)
