"""Writes every message as indented JSON, on several lines. Breaks WRK-01.

Does your code tell that no line of it is a message, or does it wait for ever?
"""

from __future__ import annotations

import json

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message


class Saboteur(Worker):
    """Writes every message as indented JSON, on several lines."""

    def write(self, message: Message) -> None:
        """Write a message for people to read."""
        self.put(json.dumps(message, indent=2).encode() + b"\n")


if __name__ == "__main__":
    main(Saboteur)
