"""Starts a helper for streams, and leaves it behind. Breaks WRK-08.

Are processes left on your machine when the tests have passed?
"""

from __future__ import annotations

import os
import time

from honest import Worker, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from honest import Message


class Saboteur(Worker):
    """Starts a helper for streams, and leaves it behind."""

    def stream(self, message: Message, params: Any) -> None:
        """Let somebody help."""
        if os.fork() == 0:
            os.closerange(0, 3)
            time.sleep(600)
            os._exit(0)
        super().stream(message, params)


if __name__ == "__main__":
    main(Saboteur)
