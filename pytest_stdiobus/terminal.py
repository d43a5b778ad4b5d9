"""The terminal that progress is shown on."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pytest_stdiobus.stash import PROGRESS
from pytest_stdiobus.testing.progress import Progress

if TYPE_CHECKING:
    import pytest


def show_progress(config: pytest.Config) -> None:
    """Begin, where the output goes to a terminal that can move its cursor.

    Called while pytest is configured: nothing is captured then, and the descriptor leads to the terminal also later.
    """
    out = sys.__stdout__
    if out is None or not out.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return
    progress = config.stash[PROGRESS] = Progress(os.dup(out.fileno()))
    config.add_cleanup(progress.close)
