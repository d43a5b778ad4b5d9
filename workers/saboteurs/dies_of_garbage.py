"""Dies of a line that is no JSON. Breaks WRK-06.

Do the requests in flight at a worker that dies fail at once?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Dies of a line that is no JSON."""

    def refuse(self, code: int, text: str) -> None:
        """Give up."""
        raise ValueError(code, text)


if __name__ == "__main__":
    main(Saboteur)
