"""Answers nothing while a tool is running. Breaks WRK-MCP-24."""

from __future__ import annotations

import time

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Saboteur(Peer):
    """Answers nothing while a tool is running."""

    async def wait(self, seconds: float, _: Any) -> None:
        """Block everything."""
        time.sleep(seconds + 0.5)  # noqa: ASYNC251 - the fault


if __name__ == "__main__":
    main(Saboteur)
