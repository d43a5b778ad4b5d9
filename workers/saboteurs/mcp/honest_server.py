"""The bundled server, for the saboteurs beside it: each of them overrides what it does wrong."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import mcp_server
from serving import Refusal

Message = dict[str, Any]
Peer = mcp_server.Server


def main(saboteur: type[Peer]) -> None:
    """Run a saboteur."""
    asyncio.run(saboteur().run())


__all__ = ["Message", "Peer", "Refusal", "main"]
