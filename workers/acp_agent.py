"""An agent of the Agent Client Protocol, version 1, without a model: it says what it is told.

A prompt that begins with ``count`` counts until it is cancelled; one that begins with ``ask`` asks for permission.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from peer import Peer, text_of, typed
from serving import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peer import Handler, Message

VERSION = 1
_TICK_S = 0.01
_OPTIONS = [
    {"optionId": "allow", "name": "Allow", "kind": "allow_once"},
    {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
]


@dataclass
class Session:
    """One conversation: what was said in it, and the turn that runs."""

    id: str
    said: list[Message] = field(default_factory=list)
    turn: asyncio.Task[str] | None = None


class Agent(Peer):
    """Sessions with turns."""

    def __init__(self) -> None:
        """Begin without a session."""
        super().__init__()
        self.sessions: dict[str, Session] = {}

    @property
    def methods(self) -> Mapping[str, Handler]:
        """The methods of the protocol that it has."""
        return {
            "initialize": self.initialize,
            "session/new": self.new_session,
            "session/load": self.load_session,
            "session/close": self.close_session,
            "session/prompt": self.prompt,
            "session/cancel": self.cancel,
        }

    async def initialize(self, params: Message) -> Message:
        """Choose the version, and say what it can do."""
        asked = typed(params, "protocolVersion", int)
        capabilities = {"loadSession": True, "sessionCapabilities": {"close": {}}}
        return {"protocolVersion": self.version(asked), "agentCapabilities": capabilities, "authMethods": []}

    def version(self, asked: int) -> int:
        """The version that was asked for where it is known, else the latest."""
        return asked if asked == VERSION else VERSION

    async def new_session(self, params: Message) -> Message:
        """A new conversation."""
        text_of(params, "cwd")
        typed(params, "mcpServers", list)
        session = Session(self.new_id())
        self.sessions[session.id] = session
        return {"sessionId": session.id}

    def new_id(self) -> str:
        """An id that no session has."""
        return uuid.uuid4().hex

    async def load_session(self, params: Message) -> None:
        """Say again what was said."""
        session = self.session(params)
        for update in session.said:
            self.notify("session/update", {"sessionId": session.id, "update": update})

    async def close_session(self, params: Message) -> Message:
        """Forget a conversation."""
        session = self.session(params)
        await self.cancel(params)
        del self.sessions[session.id]
        return {}

    async def prompt(self, params: Message) -> Message:
        """Run one turn to its end."""
        session = self.session(params)
        blocks = typed(params, "prompt", list)
        if session.turn is not None:
            raise Refusal(-32600, "a turn is running in this session")
        for block in blocks:
            session.said.append({"sessionUpdate": "user_message_chunk", "content": block})
        session.turn = asyncio.ensure_future(self.turn(session, _words(blocks)))
        try:
            return {"stopReason": await self.outcome(session.turn)}
        finally:
            session.turn = None

    async def outcome(self, turn: asyncio.Task[str]) -> str:
        """Why a turn stopped."""
        await asyncio.wait([turn])
        return "cancelled" if turn.cancelled() else turn.result()

    async def turn(self, session: Session, text: str) -> str:
        """What a prompt comes to."""
        if text.startswith("ask"):
            return await self.ask_first(session)
        number = 0
        while text.startswith("count"):
            number += 1
            self.say(session, f"{number} ")
            await asyncio.sleep(_TICK_S)
        for word in text.split() or ["nothing"]:
            self.say(session, f"{word} ")
        return "end_turn"

    async def ask_first(self, session: Session) -> str:
        """Ask for permission before a tool is run."""
        call = {"toolCallId": uuid.uuid4().hex, "title": "A tool that does nothing", "kind": "other"}
        self.update(session, {"sessionUpdate": "tool_call", **call, "status": "pending"})
        asked = {"sessionId": session.id, "toolCall": {"toolCallId": call["toolCallId"]}, "options": _OPTIONS}
        answer = await self.ask("session/request_permission", asked)
        outcome = answer["outcome"] if isinstance(answer, dict) else {"outcome": "cancelled"}
        if outcome["outcome"] == "cancelled":
            return "cancelled"
        status = "completed" if outcome["optionId"] == "allow" else "failed"
        done = {"toolCallId": call["toolCallId"], "status": status}
        self.update(session, {"sessionUpdate": "tool_call_update", **done})
        return "end_turn"

    async def cancel(self, params: Message) -> None:
        """End the turn of a session, if one runs."""
        session = self.sessions.get(str(params.get("sessionId")))
        if session is not None and session.turn is not None:
            session.turn.cancel()

    def say(self, session: Session, text: str) -> None:
        """Send a piece of the answer."""
        self.update(session, {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}})

    def update(self, session: Session, update: Message) -> None:
        """Send an update, and remember it."""
        session.said.append(update)
        self.notify("session/update", {"sessionId": session.id, "update": update})

    def session(self, params: Message) -> Session:
        """The session that a request names.

        Raises:
            Refusal: there is none.
        """
        name = text_of(params, "sessionId")
        if name not in self.sessions:
            raise Refusal(-32602, f"there is no session {name}")
        return self.sessions[name]


def _words(blocks: list[Any]) -> str:
    """The text of a prompt; a link to a resource counts by its name."""
    return " ".join(str(block.get("text", block.get("name", ""))) for block in blocks if isinstance(block, dict))


if __name__ == "__main__":
    asyncio.run(Agent().run())
