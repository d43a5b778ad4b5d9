"""Ignores SIGTERM. Breaks WRK-17.

Does the stop of your code take as long as it is allowed to?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Ignores SIGTERM."""

    def on_sigterm(self) -> None:
        """Work on."""


if __name__ == "__main__":
    main(Saboteur)
