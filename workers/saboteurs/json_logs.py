"""Logs as JSON, to stdout. Breaks WRK-02.

Does your code take a log line for a message, or for the end of the conversation?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Logs as JSON, to stdout."""

    def on_line(self, line: bytes) -> None:
        """Log, then work."""
        self.put(b'{"level":"info","msg":"a line has come"}\n')
        super().on_line(line)


if __name__ == "__main__":
    main(Saboteur)
