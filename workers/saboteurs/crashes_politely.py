"""Exits with status 0 when it fails. Breaks WRK-09.

Does your code tell a failed worker from one that has finished?
"""

from __future__ import annotations

import sys

from honest import Worker, log, main


class Saboteur(Worker):
    """Exits with status 0 when it fails."""

    def crash(self) -> None:
        """Do as if all were well."""
        log("a failure, but never mind")
        sys.exit(0)


if __name__ == "__main__":
    main(Saboteur)
