"""Reads Latin-1 and writes UTF-8. Breaks WRK-03.

Does your code notice that a text has come back as another?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Worker):
    """Reads Latin-1 and writes UTF-8."""

    def parse(self, line: bytes) -> Any:
        """Read bytes as if each were a character."""
        return super().parse(line.decode("latin-1").encode())


if __name__ == "__main__":
    main(Saboteur)
