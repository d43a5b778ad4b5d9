"""A server of the Model Context Protocol that needs nothing: three tools, two resources, a prompt.

The tool ``wait`` takes a time and reports its progress; it can be cancelled.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from peer import Peer, text_of, typed
from serving import INVALID_PARAMS, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peer import Handler, Message

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
RESOURCE_NOT_FOUND = -32002
_PAGE = 2
_TICK_S = 0.02
_OBJECT: Message = {"type": "object"}
TOOLS: dict[str, Message] = {
    "hello": {"description": "Say hello", "inputSchema": _OBJECT, "annotations": {"readOnlyHint": True}},
    "add": {
        "description": "Add two numbers",
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
        },
        "outputSchema": {"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]},
    },
    "wait": {"description": "Wait so many seconds", "inputSchema": _OBJECT},
}
RESOURCES = {"memo://one": "the first", "memo://two": "the second"}


class Server(Peer):
    """Tools, resources, prompts, and the level of a log that stays empty."""

    @property
    def methods(self) -> Mapping[str, Handler]:
        """The methods of the protocol that it has."""
        return {
            "initialize": self.initialize,
            "ping": self.ping,
            "tools/list": self.list_tools,
            "tools/call": self.call_tool,
            "resources/list": self.list_resources,
            "resources/read": self.read_resource,
            "prompts/list": self.list_prompts,
            "prompts/get": self.get_prompt,
            "logging/setLevel": self.set_level,
            "notifications/cancelled": self.cancel,
        }

    async def initialize(self, params: Message) -> Message:
        """Choose the version, and say what it has."""
        version = self.version(text_of(params, "protocolVersion"))
        capabilities: Message = {"tools": {}, "resources": {}, "prompts": {}, "logging": {}}
        server = {"name": "pytest-stdiobus-mcp-server", "version": "1"}
        return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": server}

    def version(self, asked: str) -> str:
        """The version that was asked for where it is known, else the latest."""
        return asked if asked in VERSIONS else VERSIONS[-1]

    async def ping(self, _: Message) -> Message:
        """It is there."""
        return {}

    async def list_tools(self, params: Message) -> Message:
        """A page of the tools."""
        start = _offset(params)
        page = list(TOOLS.items())[start : start + _PAGE]
        more = {"nextCursor": str(start + _PAGE)} if start + _PAGE < len(TOOLS) else {}
        return {"tools": [{"name": name, **tool} for name, tool in page], **more}

    async def call_tool(self, params: Message) -> Message:
        """What a tool gives."""
        name, arguments = text_of(params, "name"), params.get("arguments", {})
        if name not in TOOLS:
            return self.unknown(name)
        if name == "add":
            total = typed(arguments, "a", int) + typed(arguments, "b", int)
            return {**_text(json.dumps({"sum": total})), "structuredContent": {"sum": total}}
        if name == "wait":
            await self.wait(float(arguments.get("seconds", 1)), params.get("_meta", {}).get("progressToken"))
        return _text("hello")

    def unknown(self, name: str) -> Message:
        """Refuse a tool that does not exist.

        Raises:
            Refusal: always.
        """
        raise Refusal(INVALID_PARAMS, f"unknown tool {name}")

    async def wait(self, seconds: float, token: Any) -> None:
        """Wait, and say how far it is."""
        for progress in range(round(seconds / _TICK_S)):
            await asyncio.sleep(_TICK_S)
            if token is not None:
                self.notify("notifications/progress", {"progressToken": token, "progress": progress + 1})

    async def list_resources(self, _: Message) -> Message:
        """All resources."""
        return {"resources": [{"uri": uri, "name": uri} for uri in RESOURCES]}

    async def read_resource(self, params: Message) -> Message:
        """What a resource contains."""
        uri = text_of(params, "uri")
        if uri not in RESOURCES:
            raise Refusal(RESOURCE_NOT_FOUND, f"there is no resource {uri}")
        return {"contents": [{"uri": uri, "text": RESOURCES[uri]}]}

    async def list_prompts(self, _: Message) -> Message:
        """All prompts."""
        return {"prompts": [{"name": "greet"}]}

    async def get_prompt(self, params: Message) -> Message:
        """The messages of a prompt."""
        if text_of(params, "name") != "greet":
            raise Refusal(INVALID_PARAMS, f"there is no prompt {params['name']}")
        return {"messages": [{"role": "user", "content": {"type": "text", "text": "Greet me."}}]}

    async def set_level(self, params: Message) -> Message:
        """Nothing is logged, at any level."""
        text_of(params, "level")
        return {}

    async def cancel(self, params: Message) -> None:
        """End the request that is named, if it runs; it is not answered."""
        task = self.requests.get(json.dumps(params.get("requestId")))
        if task is not None:
            task.cancel()


def _text(text: str) -> Message:
    return {"content": [{"type": "text", "text": text}], "isError": False}


def _offset(params: Message) -> int:
    cursor = params.get("cursor", "0")
    if not isinstance(cursor, str) or not cursor.isdecimal() or int(cursor) > len(TOOLS):
        raise Refusal(INVALID_PARAMS, f"{cursor} is no cursor of this list")
    return int(cursor)


if __name__ == "__main__":
    asyncio.run(Server().run())
