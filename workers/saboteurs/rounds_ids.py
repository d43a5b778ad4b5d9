"""Reads numbers as doubles. Breaks WRK-14.

Are there ids in your code that a double does not hold?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Worker):
    """Reads numbers as doubles."""

    def parse(self, line: bytes) -> Any:
        """Read numbers as JavaScript does."""
        message = super().parse(line)
        if isinstance(message, dict) and type(message.get("id")) is int:
            message["id"] = float(message["id"])
        return message


if __name__ == "__main__":
    main(Saboteur)
