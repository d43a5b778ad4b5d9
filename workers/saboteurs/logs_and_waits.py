"""Logs every line, and waits until somebody reads the log. Breaks WRK-13.

Does anybody read the stderr of the workers of your code?
"""

from __future__ import annotations

from honest import Worker, log, main


class Saboteur(Worker):
    """Logs every line, and waits until somebody reads the log."""

    def on_line(self, line: bytes) -> None:
        """Log at length."""
        log(f"a line of {len(line)} bytes has come".ljust(200, "."))
        super().on_line(line)


if __name__ == "__main__":
    main(Saboteur)
