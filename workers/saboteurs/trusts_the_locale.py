"""Reads its input in the encoding of the locale. Breaks WRK-15.

In which locale is your service started?
"""

from __future__ import annotations

import json
import sys

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Worker):
    """Reads its input in the encoding of the locale."""

    def parse(self, line: bytes) -> Any:
        """Read as the locale says."""
        return json.loads(line.decode(sys.stdin.encoding, "surrogateescape"))


if __name__ == "__main__":
    main(Saboteur)
