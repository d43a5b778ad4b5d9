"""Reads its input in the encoding of the locale. Breaks WRK-15.

In which locale is your service started?
"""

from __future__ import annotations

import sys

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Worker):
    """Reads its input in the encoding of the locale."""

    def parse(self, line: bytes) -> Any:
        """Read as the locale says."""
        text = line.decode(sys.stdin.encoding, "surrogateescape")
        return super().parse(text.encode("utf-8", "surrogatepass"))


if __name__ == "__main__":
    main(Saboteur)
