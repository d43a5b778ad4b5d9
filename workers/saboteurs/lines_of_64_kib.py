"""Drops lines longer than 64 KiB, as readers with a limit do. Breaks WRK-12.

Does your code say that an answer is missing because its request was too long?
"""

from __future__ import annotations

from honest import Worker, main

_LIMIT = 64 * 1024


class Saboteur(Worker):
    """Drops lines longer than 64 KiB, as readers with a limit do."""

    def on_line(self, line: bytes) -> None:
        """Read what fits."""
        if len(line) <= _LIMIT:
            super().on_line(line)


if __name__ == "__main__":
    main(Saboteur)
