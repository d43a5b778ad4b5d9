"""Lets SIGTERM kill it. Breaks WRK-17.

Is a stop that was asked for a crash in your statistics?
"""

from __future__ import annotations

import os
import signal

from honest import Worker, main


class Saboteur(Worker):
    """Lets SIGTERM kill it."""

    def on_sigterm(self) -> None:
        """Die of it."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(Saboteur)
