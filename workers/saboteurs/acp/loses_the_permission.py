"""Takes the id 0 for none and waits for its permission for ever. Breaks WRK-ACP-13."""

from __future__ import annotations

import json

from honest_agent import Peer, main


class Saboteur(Peer):
    """Takes the id 0 for none and waits for its permission for ever."""

    def receive(self, line: bytes) -> None:
        """Drop a response whose id is false."""
        message = json.loads(line)
        if isinstance(message, dict) and "method" not in message and not message.get("id"):
            return
        super().receive(line)


if __name__ == "__main__":
    main(Saboteur)
