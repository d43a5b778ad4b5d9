"""Writes when its buffer is full, as stdio does on a pipe. Breaks WRK-10.

Does a timeout of your code say which request has no answer?
"""

from __future__ import annotations

from honest import Worker, main

_SIZE = 8192


class Saboteur(Worker):
    """Writes when its buffer is full, as stdio does on a pipe."""

    _buffer = b""

    def put(self, data: bytes) -> None:
        """Keep it until it is worth writing."""
        self._buffer += data
        if len(self._buffer) > _SIZE:
            super().put(self._buffer[:-_SIZE])
            self._buffer = self._buffer[-_SIZE:]

    def on_exit(self) -> None:
        """Write what is left."""
        super().put(self._buffer)


if __name__ == "__main__":
    main(Saboteur)
