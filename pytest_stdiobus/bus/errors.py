"""What a bus call can raise, and how errors on the wire become exceptions."""

from __future__ import annotations

import builtins
from enum import IntEnum
from typing import Any


class ErrorCode(IntEnum):
    """The canonical error codes of stdio_bus clients (SDK-ERR-01)."""

    INVALID_ARGUMENT = 1
    INVALID_STATE = 2
    TIMEOUT = 3
    CANCELLED = 4
    TRANSPORT_ERROR = 5
    NEGOTIATION_FAILED = 6
    POLICY_DENIED = 7
    UNAVAILABLE = 8
    RESOURCE_EXHAUSTED = 9
    NOT_SUPPORTED = 10
    INTERNAL = 99


class StdioBusError(Exception):
    """The base of every error of the client.

    Attributes:
        code: an `ErrorCode`; for `RemoteError` the worker's own number.
        message: what happened, and what to do about it where that is known.
        details: further data, such as the ``data`` of a JSON-RPC error, or None.
    """

    code: int = ErrorCode.INTERNAL

    def __init__(self, message: str, details: Any = None) -> None:
        """Keep the message and its details."""
        super().__init__(message)
        self.message = message
        self.details = details

    def to_dict(self) -> dict[str, Any]:
        """``code``, ``message`` and, where there are any, ``details``: as in a JSON-RPC error, `details` for ``data``."""
        known: dict[str, Any] = {"code": int(self.code), "message": self.message}
        return known if self.details is None else {**known, "details": self.details}


class InvalidArgumentError(StdioBusError, ValueError):
    """An argument or a configuration that can never work."""

    code = ErrorCode.INVALID_ARGUMENT


class InvalidStateError(StdioBusError):
    """A call that the bus cannot serve in its present state."""

    code = ErrorCode.INVALID_STATE


class TimeoutError(StdioBusError, builtins.TimeoutError):  # noqa: A001 - the published name
    """No answer within the time allowed."""

    code = ErrorCode.TIMEOUT


class CancelledError(StdioBusError):
    """The peer cancelled the operation."""

    code = ErrorCode.CANCELLED


class TransportError(StdioBusError):
    """The message could not be carried: the bus or the worker is gone, or shuts down."""

    code = ErrorCode.TRANSPORT_ERROR


class NegotiationFailedError(StdioBusError):
    """The handshake found no common ground."""

    code = ErrorCode.NEGOTIATION_FAILED


class PolicyDeniedError(StdioBusError):
    """A policy of the peer refused the operation."""

    code = ErrorCode.POLICY_DENIED


class UnavailableError(StdioBusError):
    """Nobody can serve this: a missing backend, or a pool without a live worker."""

    code = ErrorCode.UNAVAILABLE


class ResourceExhaustedError(StdioBusError):
    """A limit of the bus was reached."""

    code = ErrorCode.RESOURCE_EXHAUSTED


class NotSupportedError(StdioBusError):
    """This backend or platform cannot do it."""

    code = ErrorCode.NOT_SUPPORTED


class InternalError(StdioBusError):
    """Something that should not happen did."""

    code: int = ErrorCode.INTERNAL


class RemoteError(InternalError):
    """A worker answered with a JSON-RPC error; code, message and data are the worker's own (SDK-ERR-02)."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        """Keep the worker's code, message and data."""
        super().__init__(message, data)
        self.code = code

    @property
    def data(self) -> Any:
        """The ``data`` member of the worker's error, or None."""
        return self.details

    def __str__(self) -> str:
        """The message with its code."""
        return f"{self.message} ({self.code})"


_CLASSES: tuple[type[StdioBusError], ...] = (
    InvalidArgumentError,
    InvalidStateError,
    TimeoutError,
    CancelledError,
    TransportError,
    NegotiationFailedError,
    PolicyDeniedError,
    UnavailableError,
    ResourceExhaustedError,
    NotSupportedError,
)


def error_from_code(code: int, message: str, details: Any = None) -> StdioBusError:
    """The exception for a canonical code (SDK-ERR-01); an `InternalError` for any other number."""
    kind = next((kind for kind in _CLASSES if kind.code == code), InternalError)
    return kind(message, details)


_KERNEL_ERRORS: dict[int, type[StdioBusError]] = {
    -32090: TransportError,
    -32091: UnavailableError,
    -32092: InvalidArgumentError,
    -32093: ResourceExhaustedError,
    -32095: TransportError,
    -32096: ResourceExhaustedError,
    -32097: TransportError,
}


def error_from_wire(error: Any) -> StdioBusError:
    """The exception for the ``error`` member of a response (SDK-ERR-02).

    An error counts as the kernel's only when its data says so (``source`` is ``stdio_bus``): a worker may
    use the same numbers. What is no JSON-RPC error object becomes a `TransportError`.
    """
    if not isinstance(error, dict) or type(error.get("code")) is not int:  # True is an int too
        return TransportError(f"the response carries no JSON-RPC error object: {error!r}", error)
    code: int = error["code"]
    message, data = str(error.get("message", "")), error.get("data")
    if not isinstance(data, dict) or data.get("source") != "stdio_bus":
        return RemoteError(code, message, data)
    kind = _KERNEL_ERRORS.get(code, InvalidArgumentError if code in {-32700, -32600} else InternalError)
    return kind(f"{data.get('reason', 'error')} ({code}): {message}", data)
