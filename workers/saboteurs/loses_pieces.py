"""Takes a short read for a whole line, and loses what is none. Breaks WRK-03.

Does your code, or something before it, write a line in pieces?
"""

from __future__ import annotations

from honest import Worker, main

_LONG = 1024


class Saboteur(Worker):
    """Takes a short read for a whole line, and loses what is none."""

    def on_data(self, data: bytes) -> None:
        """Forget what has no end."""
        if not data or b"\n" in data or len(data) >= _LONG:
            super().on_data(data)


if __name__ == "__main__":
    main(Saboteur)
