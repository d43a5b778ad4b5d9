"""Ends with status 1 where SIGTERM comes after the end of its input. Breaks WRK-17.

Does your code end workers in two ways at once?
"""

from __future__ import annotations

import sys

from honest import Worker, main


class Saboteur(Worker):
    """Ends with status 1 where SIGTERM comes after the end of its input."""

    def on_sigterm(self) -> None:
        """Be surprised."""
        if not self.reading:
            sys.exit("what else?")
        super().on_sigterm()


if __name__ == "__main__":
    main(Saboteur)
