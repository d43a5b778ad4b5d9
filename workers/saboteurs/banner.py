"""Greets on stdout before it works. Breaks WRK-01.

Does your code bear a line that is no JSON, as libraries print when they are imported?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Greets on stdout before it works."""

    def run(self) -> None:
        """Print, then work."""
        self.put(b"worker 1.0 is ready\n")
        super().run()


if __name__ == "__main__":
    main(Saboteur)
