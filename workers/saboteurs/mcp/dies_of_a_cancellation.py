"""Ends when it is to cancel what does not run. Breaks WRK-MCP-13."""

from __future__ import annotations

import json
import os

from honest_server import Peer, main

TYPE_CHECKING = False
if TYPE_CHECKING:
    from honest_server import Message


class Saboteur(Peer):
    """Ends when it is to cancel what does not run."""

    async def cancel(self, params: Message) -> None:
        """Look it up without looking."""
        if json.dumps(params.get("requestId")) not in self.requests:
            os._exit(1)
        await super().cancel(params)


if __name__ == "__main__":
    main(Saboteur)
