"""Says good-bye on stdout, without a line feed. Breaks WRK-01.

Does your code end cleanly when the last line of a worker is none?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Says good-bye on stdout, without a line feed."""

    def on_exit(self) -> None:
        """Say good-bye."""
        self.put(b"bye")


if __name__ == "__main__":
    main(Saboteur)
