"""Exits on SIGTERM in the middle of a stream. Breaks WRK-17.

Does a stream that is cut fail at once, or does your code wait for its end?
"""

from __future__ import annotations

import os

from honest import Worker, main


class Saboteur(Worker):
    """Exits on SIGTERM in the middle of a stream."""

    def on_sigterm(self) -> None:
        """Leave everything as it is."""
        os._exit(0)


if __name__ == "__main__":
    main(Saboteur)
