"""An ACP agent that says what it was told, written with the protocol's own SDK and nothing of the bus."""

import asyncio
from typing import Any
from uuid import uuid4

from acp import PROTOCOL_VERSION, Agent, run_agent, update_agent_message_text
from acp.interfaces import Client
from acp.schema import InitializeResponse, NewSessionResponse, PromptResponse


class Echo(Agent):
    """Answers a prompt with its own text, in pieces."""

    def on_connect(self, conn: Client) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, *_: Any, **__: Any) -> InitializeResponse:
        return InitializeResponse(protocol_version=min(protocol_version, PROTOCOL_VERSION))

    async def new_session(self, *_: Any, **__: Any) -> NewSessionResponse:
        return NewSessionResponse(session_id=uuid4().hex)

    async def prompt(self, session_id: str, prompt: list[Any], **_: Any) -> PromptResponse:
        for block in prompt:
            await self.client.session_update(session_id=session_id, update=update_agent_message_text(block.text))
        return PromptResponse(stop_reason="end_turn")


asyncio.run(run_agent(Echo()))  # type: ignore[abstract] # the SDK does not ask for every method
