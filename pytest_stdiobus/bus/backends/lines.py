"""Lines out of a stream of bytes, however it was cut (KRN-FRM-06)."""

from __future__ import annotations


class LineReader:
    """Joins what belongs together. Each byte is looked at once, however long a line is."""

    def __init__(self) -> None:
        """Begin with nothing buffered."""
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without LF; empty ones are left out."""
        *complete, rest = data.split(b"\n")
        if complete:
            complete[0] = b"".join([*self._parts, complete[0]])
            self._parts.clear()
        if rest:
            self._parts.append(rest)
        return [line for line in complete if line]

    def rest(self) -> bytes:
        """What came after the last LF; the reader is empty afterwards."""
        rest = b"".join(self._parts)
        self._parts.clear()
        return rest
