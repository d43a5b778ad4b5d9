"""Takes a blank line for the end of its input. Breaks WRK-06.

Does your code ever send one?
"""

from __future__ import annotations

import os

from honest import Worker, main


class Saboteur(Worker):
    """Takes a blank line for the end of its input."""

    def on_line(self, line: bytes) -> None:
        """Look at the line, not at the end."""
        if not line.strip() and self.reading:
            os._exit(0)
        super().on_line(line)


if __name__ == "__main__":
    main(Saboteur)
