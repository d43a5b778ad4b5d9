"""The schemas of other protocols, made from the models of packages that are installed; nothing of them is kept here.

``urn:acp:NAME`` is a model of ``agent-client-protocol``, ``urn:mcp:NAME`` one of ``mcp``, by the name it has there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from referencing.exceptions import NoSuchResource
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referencing import Resource

PACKAGES = {"acp": "agent-client-protocol", "mcp": "mcp"}
_MODULES = {"acp": ("acp.schema",), "mcp": ("mcp_types._v2025_11_25", "mcp.types")}

# What a message of the agent or server is, by its method; of a response by that of its request.
_RESULTS = {
    "acp": {
        "initialize": "InitializeResponse",
        "authenticate": "AuthenticateResponse",
        "session/new": "NewSessionResponse",
        "session/load": "LoadSessionResponse",
        "session/prompt": "PromptResponse",
        "session/set_mode": "SetSessionModeResponse",
        "session/list": "ListSessionsResponse",
        "session/close": "CloseSessionResponse",
        "session/resume": "ResumeSessionResponse",
    },
    "mcp": {
        "initialize": "InitializeResult",
        "ping": "EmptyResult",
        "completion/complete": "CompleteResult",
        "logging/setLevel": "EmptyResult",
        "prompts/get": "GetPromptResult",
        "prompts/list": "ListPromptsResult",
        "resources/list": "ListResourcesResult",
        "resources/read": "ReadResourceResult",
        "resources/templates/list": "ListResourceTemplatesResult",
        "tools/call": "CallToolResult",
        "tools/list": "ListToolsResult",
    },
}
_CALLS = {
    "acp": {
        "session/update": "SessionNotification",
        "session/request_permission": "RequestPermissionRequest",
        "fs/read_text_file": "ReadTextFileRequest",
        "fs/write_text_file": "WriteTextFileRequest",
        "terminal/create": "CreateTerminalRequest",
    },
    "mcp": {
        "notifications/cancelled": "CancelledNotificationParams",
        "notifications/message": "LoggingMessageNotificationParams",
        "notifications/progress": "ProgressNotificationParams",
        "notifications/resources/updated": "ResourceUpdatedNotificationParams",
        "sampling/createMessage": "CreateMessageRequestParams",
    },
}


@dataclass(frozen=True)
class Models:
    """The models of a protocol.

    Attributes:
        protocol: ``acp`` or ``mcp``.
        package: the installed package they come from.
        version: its version.
    """

    protocol: str
    package: str
    version: str

    @property
    def module(self) -> Any:
        """The module that has them."""
        return _module(self.protocol)

    def of_result(self, method: str) -> dict[str, str] | None:
        """The schema of what answers a method; None where the package knows no such method."""
        return self._named(_RESULTS[self.protocol].get(method, ""))

    def of_call(self, method: str) -> dict[str, str] | None:
        """The schema of the parameters that an agent or server sends with a method; None where it is not known."""
        return self._named(_CALLS[self.protocol].get(method, ""))

    def _named(self, name: str) -> dict[str, str] | None:
        return {"$ref": f"urn:{self.protocol}:{name}"} if hasattr(self.module, name) else None

    def __str__(self) -> str:
        """Package and version."""
        return f"{self.package} {self.version}"


@cache
def models(protocol: str) -> Models | None:
    """The installed models of a protocol; None where its package is not there."""
    if _module(protocol) is None:
        return None
    package = PACKAGES[protocol]
    return Models(protocol, package, metadata.version(package))


def remedy(protocol: str) -> str:
    """What to do where the models of a protocol are not there."""
    return f"the package {PACKAGES[protocol]} is not installed: pip install 'pytest-stdiobus[{protocol}]'"


@cache
def retrieve(uri: str) -> Resource[Mapping[str, Any]]:
    """The schema that ``urn:acp:NAME`` or ``urn:mcp:NAME`` stands for.

    Raises:
        NoSuchResource: the package is not installed, or has no such model.
    """
    protocol, _, name = uri.removeprefix("urn:").partition(":")
    model = getattr(_module(protocol), name, None) if protocol in PACKAGES else None
    if model is None:
        raise NoSuchResource(uri)
    adapter = import_module("pydantic").TypeAdapter(model)
    return DRAFT202012.create_resource({"$id": uri, **adapter.json_schema(by_alias=True)})


@cache
def _module(protocol: str) -> Any:
    for name in _MODULES[protocol]:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
