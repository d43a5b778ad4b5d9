"""Names for the states, modes and options of a bus."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum, IntEnum
from typing import Any

from pytest_stdiobus.bus.errors import InvalidArgumentError

_MAX_PORT = 65535


class BackendMode(str, Enum):
    """How the client reaches the kernel."""

    AUTO = "auto"
    NATIVE = "native"
    SUBPROCESS = "subprocess"
    DOCKER = "docker"


class ListenMode(str, Enum):
    """Where a native bus listens for further clients."""

    NONE = "none"
    TCP = "tcp"
    UNIX = "unix"


class BusState(IntEnum):
    """The life of a bus, with the values of the embedding API (KRN-EMB-01)."""

    CREATED = 0
    STARTING = 1
    RUNNING = 2
    STOPPING = 3
    STOPPED = 4


@dataclass(frozen=True)
class BusStats:
    """Counters since the start of the bus; -1 where the backend cannot know (SDK-STA-01).

    "in" is what clients sent to the bus, "out" what they received from it.
    """

    messages_in: int = 0
    messages_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    worker_restarts: int = 0
    routing_errors: int = 0
    client_connects: int = 0
    client_disconnects: int = 0


@dataclass(frozen=True)
class NativeOptions:
    """Options of the native backend.

    Attributes:
        listen_mode: where other clients may connect.
        tcp_host: the address of a TCP listener.
        tcp_port: its port; 0 lets the system choose (see ``get_listen_address()``).
        unix_path: the path of a unix listener.
        poll_interval_ms: how often to look when the library offers no descriptor to wait on.
        library_path: a shared library of your own with the embedding API, which is never replaced by another; empty
            for the bundled one.
    """

    listen_mode: ListenMode | str = ListenMode.NONE
    tcp_host: str = "127.0.0.1"
    tcp_port: int | None = None
    unix_path: str | None = None
    poll_interval_ms: int = 1
    library_path: str = ""

    def validate(self) -> None:
        """Refuse what can never work; every bus does so when it is made.

        Raises:
            InvalidArgumentError: no such mode, a listener without a usable address, or a value of the wrong type.
        """
        try:
            mode = ListenMode(self.listen_mode)
        except ValueError as error:
            message = f"listen_mode: {error}; modes: {', '.join(member.value for member in ListenMode)}"
            raise InvalidArgumentError(message) from error
        if mode is ListenMode.TCP and not (isinstance(self.tcp_port, int) and 0 <= self.tcp_port <= _MAX_PORT):
            message = f"tcp_port: expected a number from 0 to {_MAX_PORT}, got {self.tcp_port!r}"
            raise InvalidArgumentError(message)
        if mode is ListenMode.UNIX and not self.unix_path:
            message = "unix_path: a unix listener needs a path"
            raise InvalidArgumentError(message)
        if not isinstance(self.poll_interval_ms, int) or self.poll_interval_ms < 1:
            message = f"poll_interval_ms: expected a whole number at least 1, got {self.poll_interval_ms!r}"
            raise InvalidArgumentError(message)
        if not isinstance(self.library_path, str):
            message = f"library_path: expected a path as text, got {self.library_path!r}"
            raise InvalidArgumentError(message)


@dataclass(frozen=True)
class SubprocessOptions:
    """Options of the subprocess backend.

    Attributes:
        binary_path: a kernel of your own, which is never replaced by another; empty for the bundled one.
        start_timeout_sec: how long the kernel may take until it serves.
        drain_timeout_sec: the longest that ``stop`` waits for workers, whatever it is given.
        stderr_buffer_lines: how many of the last lines of its stderr are kept for error messages.
        env: variables added to its environment.
    """

    binary_path: str = ""
    start_timeout_sec: float = 30.0
    drain_timeout_sec: float = 30.0
    stderr_buffer_lines: int = 200
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DockerOptions:
    """Options of the docker backend.

    Attributes:
        image: an image whose entry point is the kernel, and which holds what the pools' commands need.
        pull_policy: ``never``, ``if-missing`` or ``always``.
        engine_path: the engine's command, or one that takes the same arguments.
        startup_timeout_sec: how long container and kernel may take until they serve.
        container_name_prefix: what the container's unique name begins with.
        extra_args: further arguments of ``docker run``, such as ``["--volume=/models:/models:ro"]``.
        env: variables of the container; their values do not show in the list of processes.
    """

    image: str = "stdiobus-kernel"
    pull_policy: str = "if-missing"
    engine_path: str = "docker"
    startup_timeout_sec: float = 30.0
    container_name_prefix: str = "stdiobus"
    extra_args: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BusOptions:
    """What a bus with a configuration file is made of: ``AsyncStdioBus(**vars(options))``."""

    config_path: str
    backend: BackendMode = BackendMode.AUTO
    timeout_ms: int = 30_000
    docker: DockerOptions | None = None


@dataclass(frozen=True)
class Identity:
    """On whose behalf a request is made (SDK-WIR-03)."""

    subject_id: str
    role: str
    asserted_by: str = "self"

    def to_dict(self) -> dict[str, Any]:
        """The object on the wire."""
        return _wire_names(self)


@dataclass(frozen=True)
class AuditEvent:
    """What a request is recorded as (SDK-WIR-03); members that are None are not sent."""

    event_id: str
    action: str
    parent_event_id: str | None = None
    timestamp: str | None = None
    actor: dict[str, str] | None = None
    resource: str | None = None
    outcome: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The object on the wire."""
        return _wire_names(self)


@dataclass(frozen=True)
class RequestOptions:
    """What a single request adds to its message.

    Attributes:
        timeout_ms: milliseconds until `TimeoutError`; wins over the argument of the call.
        session_id: wins over the argument of the call (SDK-WIR-02).
        agent_id: becomes the top-level ``agentId``.
        identity: becomes ``_ext.identity``.
        audit: becomes ``_ext.audit``.
    """

    timeout_ms: int | None = None
    session_id: str | None = None
    agent_id: str | None = None
    identity: Identity | None = None
    audit: AuditEvent | None = None


class StreamEventType(str, Enum):
    """What an event of a stream carries."""

    CHUNK = "chunk"
    RESULT = "result"


@dataclass(frozen=True)
class StreamEvent:
    """One event of `stream_request` (SDK-AGG-02).

    Attributes:
        type: which of the two it is.
        text: the text of a chunk, else None.
        result: the result, which includes the aggregated text where it is an object; None for a chunk.
    """

    type: StreamEventType
    text: str | None = None
    result: Any = None

    @property
    def data(self) -> Any:
        """The text of a chunk, or the result."""
        return self.text if self.type == StreamEventType.CHUNK else self.result


class OverflowPolicy(str, Enum):
    """What a full subscription does with one notification more (SDK-SUB-02, SDK-SUB-03)."""

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"
    CLOSE = "close"


_WIRE_NAMES = {
    "subject_id": "subjectId",
    "asserted_by": "assertedBy",
    "event_id": "eventId",
    "parent_event_id": "parentEventId",
}


def _wire_names(part: Identity | AuditEvent) -> dict[str, Any]:
    members = ((field.name, getattr(part, field.name)) for field in fields(part))
    return {_WIRE_NAMES.get(name, name): value for name, value in members if value is not None}
