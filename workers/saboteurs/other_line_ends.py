"""Ends lines also where Unicode would: at U+2028, U+0085 and others. Breaks WRK-03.

Do the texts of your code hold such characters?
"""

from __future__ import annotations

from honest import Worker, main


class Saboteur(Worker):
    """Ends lines also where Unicode would: at U+2028, U+0085 and others."""

    def on_line(self, line: bytes) -> None:
        """Cut a line once more."""
        for part in line.decode(errors="replace").splitlines():
            super().on_line(part.encode())


if __name__ == "__main__":
    main(Saboteur)
