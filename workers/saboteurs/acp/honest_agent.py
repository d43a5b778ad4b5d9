"""The bundled agent, for the saboteurs beside it: each of them overrides what it does wrong."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import acp_agent
from serving import Refusal

Message = dict[str, Any]
Peer = acp_agent.Agent
Session = acp_agent.Session


def main(saboteur: type[Peer]) -> None:
    """Run a saboteur."""
    asyncio.run(saboteur().run())


__all__ = ["Message", "Peer", "Refusal", "Session", "main"]
