"""An agent written with the Python SDK of the Agent Client Protocol, which does as little as the SDK lets it: an echo.

It needs the package agent-client-protocol. What it answers to anything but a prompt is the SDK's.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from acp import (
    PROTOCOL_VERSION,
    Agent,
    InitializeResponse,
    NewSessionResponse,
    PromptResponse,
    run_agent,
    text_block,
    update_agent_message,
)


class Echo(Agent):
    """Says what it is told."""

    def on_connect(self, conn: Any) -> None:
        """Keep the connection."""
        self.client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        """Choose the version: the one asked for, up to the SDK's."""
        return InitializeResponse(protocol_version=min(protocol_version, PROTOCOL_VERSION))

    async def new_session(self, **_: Any) -> NewSessionResponse:
        """A new session."""
        return NewSessionResponse(session_id=uuid4().hex)

    async def prompt(self, prompt: list[Any], session_id: str, **_: Any) -> PromptResponse:
        """Say each block of text again."""
        for block in prompt:
            text = text_block(getattr(block, "text", ""))
            await self.client.session_update(session_id=session_id, update=update_agent_message(text))
        return PromptResponse(stop_reason="end_turn")


if __name__ == "__main__":
    asyncio.run(run_agent(Echo()))
