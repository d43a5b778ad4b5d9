"""Loses what its stdout does not take at once. Breaks WRK-03.

Does your code read while it writes, and tell half a line from a whole one?
"""

from __future__ import annotations

import contextlib
import os

from honest import STDOUT, Worker, main


class Saboteur(Worker):
    """Loses what its stdout does not take at once."""

    def put(self, data: bytes) -> None:
        """Try once."""
        os.set_blocking(STDOUT, False)
        with contextlib.suppress(BlockingIOError):
            os.write(STDOUT, data)


if __name__ == "__main__":
    main(Saboteur)
