"""The handshake ``stdio_bus/hello``: what is offered, what is agreed (SDK-WIR-04, SDK-WIR-05)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_stdiobus.bus.errors import InvalidArgumentError, NegotiationFailedError, RemoteError

METHOD = "stdio_bus/hello"
_METHOD_NOT_FOUND = -32601


@dataclass(frozen=True)
class ExtensionInfo:
    """An extension: offered with `version` and `required`, agreed with `version` and `active`."""

    version: str = ""
    required: bool = False
    active: bool = False


@dataclass(frozen=True)
class HelloParams:
    """What this client offers."""

    protocol_version: str = "0.1.0"
    extensions: dict[str, ExtensionInfo] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The parameters on the wire."""
        offered = {name: {"version": e.version, "required": e.required} for name, e in self.extensions.items()}
        return {"protocolVersion": self.protocol_version, "extensions": offered}


@dataclass(frozen=True)
class HelloResult:
    """What was agreed; `session_id` is the agent's, empty where it names none."""

    negotiated_protocol_version: str
    session_id: str = ""
    extensions: dict[str, ExtensionInfo] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, result: dict[str, Any]) -> HelloResult:
        """Read the result of a handshake; what it lacks stays empty."""
        version, session = result.get("negotiatedProtocolVersion"), result.get("sessionId")
        agreed = result.get("extensions")
        return cls(
            negotiated_protocol_version=version if isinstance(version, str) else "",
            session_id=session if isinstance(session, str) else "",
            extensions={name: _extension(value) for name, value in agreed.items()} if isinstance(agreed, dict) else {},
        )


def check_offer(params: Any) -> None:
    """Refuse what is no offer. Raises InvalidArgumentError, which says what is accepted."""
    if params is None:
        return
    sound = isinstance(params, HelloParams) and isinstance(params.protocol_version, str)
    if not sound or not isinstance(params.extensions, dict):
        message = f"params: expected HelloParams(protocol_version=text, extensions=dict), got {params!r}"
        raise InvalidArgumentError(message)
    for name, extension in params.extensions.items():
        sound = isinstance(extension, ExtensionInfo) and isinstance(extension.version, str)
        if not isinstance(name, str) or not sound or not isinstance(extension.required, bool):
            message = f"params.extensions: expected ExtensionInfo(version=text, required=bool) by name, got {name!r}: {extension!r}"
            raise InvalidArgumentError(message)


def read_result(result: Any, offered: HelloParams) -> HelloResult:
    """The agreement.

    Raises:
        NegotiationFailedError: it is none, or an extension that was required is not active.
    """
    version = result.get("negotiatedProtocolVersion") if isinstance(result, dict) else None
    if not isinstance(version, str):
        message = f"the peer does not know {METHOD}: its answer names no negotiatedProtocolVersion"
        raise NegotiationFailedError(message, result)
    agreed = HelloResult.from_dict(result)
    for name, extension in offered.extensions.items():
        if extension.required and not (name in agreed.extensions and agreed.extensions[name].active):
            message = f"the required extension {name!r} ({extension.version}) is not active"
            raise NegotiationFailedError(message, result)
    return agreed


def refused(error: RemoteError) -> NegotiationFailedError | None:
    """The failure that an error answer means, or None where it means something else."""
    if error.code != _METHOD_NOT_FOUND:
        return None
    return NegotiationFailedError(f"the peer does not know {METHOD}: {error}", error.data)


def _extension(value: Any) -> ExtensionInfo:
    if not isinstance(value, dict):
        return ExtensionInfo()
    version = value.get("selected", value.get("version"))
    return ExtensionInfo(version=version if isinstance(version, str) else "", active=value.get("active") is True)
