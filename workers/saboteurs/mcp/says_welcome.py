"""Greets on stdout before it works. Breaks WRK-MCP-03."""

from __future__ import annotations

from honest_server import Peer, main


class Saboteur(Peer):
    """Greets on stdout before it works."""

    async def run(self) -> None:
        """Greet, then work."""
        print("server ready", flush=True)  # noqa: T201 - the fault
        await super().run()


if __name__ == "__main__":
    main(Saboteur)
