"""The stdio_bus client: start a kernel, talk to its workers, stop it."""

from pytest_stdiobus.bus.builder import StdioBusBuilder
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
    error_from_code,
)
from pytest_stdiobus.bus.handshake import ExtensionInfo, HelloParams, HelloResult
from pytest_stdiobus.bus.subscriptions import Subscription
from pytest_stdiobus.bus.subscriptions import Subscription as NotificationSubscription
from pytest_stdiobus.bus.sync import StdioBus
from pytest_stdiobus.bus.types import (
    AuditEvent,
    BackendMode,
    BusOptions,
    BusState,
    BusStats,
    DockerOptions,
    Identity,
    ListenMode,
    NativeOptions,
    OverflowPolicy,
    RequestOptions,
    StreamEvent,
    StreamEventType,
    SubprocessOptions,
)

__all__ = [
    "AsyncStdioBus",
    "AuditEvent",
    "BackendMode",
    "BusConfig",
    "BusOptions",
    "BusState",
    "BusStats",
    "CancelledError",
    "DockerOptions",
    "ErrorCode",
    "ExtensionInfo",
    "HelloParams",
    "HelloResult",
    "Identity",
    "InternalError",
    "InvalidArgumentError",
    "InvalidStateError",
    "LimitsConfig",
    "ListenMode",
    "NativeOptions",
    "NegotiationFailedError",
    "NotSupportedError",
    "NotificationSubscription",
    "OverflowPolicy",
    "PolicyDeniedError",
    "PoolConfig",
    "RemoteError",
    "RequestOptions",
    "ResourceExhaustedError",
    "StdioBus",
    "StdioBusBuilder",
    "StdioBusError",
    "StreamEvent",
    "StreamEventType",
    "SubprocessOptions",
    "Subscription",
    "TimeoutError",
    "TransportError",
    "UnavailableError",
    "error_from_code",
]
