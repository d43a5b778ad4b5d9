"""Has one code for every error: -32603. Breaks WRK-07.

Does your code tell a missing method from a failure?
"""

from __future__ import annotations

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest import Message

INTERNAL_ERROR = -32603


class Saboteur(Worker):
    """Has one code for every error: -32603."""

    def fail(self, request: Message, code: int, text: str) -> None:
        """Take the code that means nothing."""
        super().fail(request, INTERNAL_ERROR, f"{code}: {text}")


if __name__ == "__main__":
    main(Saboteur)
