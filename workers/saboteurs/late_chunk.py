"""Sends the last chunk after the response. Breaks WRK-11.

Does a late chunk get into the next answer that your code shows?
"""

from __future__ import annotations

from honest import CHUNK_S, Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest import Message


class Saboteur(Worker):
    """Sends the last chunk after the response."""

    def stream(self, message: Message, params: Any) -> None:
        """Keep one word back."""
        super().stream(message, params)
        if isinstance(params, dict) and isinstance(params.get("prompt"), str):
            self.later((len(params["prompt"].split()) + 1) * CHUNK_S, lambda: self.chunk(message, "late"))


if __name__ == "__main__":
    main(Saboteur)
