"""Takes its first line for a handshake and does not answer it. Breaks WRK-10.

Does your code send something before its first request?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Takes its first line for a handshake and does not answer it."""

    _ready = False

    def on_line(self, line: bytes) -> None:
        """Begin with the second line."""
        if self._ready:
            super().on_line(line)
        self._ready = True


if __name__ == "__main__":
    main(Saboteur)
