"""Fails without a word. Breaks WRK-09.

Does your code say at least with which status a worker has ended?
"""

from __future__ import annotations

import os

from honest import Worker, main


class Saboteur(Worker):
    """Fails without a word."""

    def crash(self) -> None:
        """Keep the reason to itself."""
        os._exit(3)


if __name__ == "__main__":
    main(Saboteur)
