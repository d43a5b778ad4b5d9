"""The stdio_bus client: start a kernel, talk to its workers, stop it."""

from pytest_stdiobus.bus.client import AsyncStdioBus
from pytest_stdiobus.bus.config import BusConfig, LimitsConfig, PoolConfig
from pytest_stdiobus.bus.errors import (
    CancelledError,
    ErrorCode,
    InternalError,
    InvalidArgumentError,
    InvalidStateError,
    NegotiationFailedError,
    NotSupportedError,
    PolicyDeniedError,
    RemoteError,
    ResourceExhaustedError,
    StdioBusError,
    TimeoutError,  # noqa: A004 - the published name
    TransportError,
    UnavailableError,
)
from pytest_stdiobus.bus.types import (
    AuditEvent,
    BackendMode,
    BusState,
    BusStats,
    DockerOptions,
    Identity,
    ListenMode,
    NativeOptions,
    RequestOptions,
    SubprocessOptions,
)

__all__ = [
    "AsyncStdioBus",
    "AuditEvent",
    "BackendMode",
    "BusConfig",
    "BusState",
    "BusStats",
    "CancelledError",
    "DockerOptions",
    "ErrorCode",
    "Identity",
    "InternalError",
    "InvalidArgumentError",
    "InvalidStateError",
    "LimitsConfig",
    "ListenMode",
    "NativeOptions",
    "NegotiationFailedError",
    "NotSupportedError",
    "PolicyDeniedError",
    "PoolConfig",
    "RemoteError",
    "RequestOptions",
    "ResourceExhaustedError",
    "StdioBusError",
    "SubprocessOptions",
    "TimeoutError",
    "TransportError",
    "UnavailableError",
]
