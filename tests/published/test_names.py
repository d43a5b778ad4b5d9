"""The names of the published client: classes, their fields with defaults, their members and values."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.published.conftest import Client

REQUIRED = object()

FIELDS: dict[str, dict[str, Any]] = {
    "BusConfig": {"pools": [], "limits": None},
    "PoolConfig": {"id": REQUIRED, "command": REQUIRED, "args": [], "instances": 1},
    "LimitsConfig": {
        "max_input_buffer": None,
        "max_output_queue": None,
        "max_restarts": None,
        "restart_window_sec": None,
        "drain_timeout_sec": None,
        "backpressure_timeout_sec": None,
    },
    "NativeOptions": {
        "listen_mode": "none",
        "tcp_host": "127.0.0.1",
        "tcp_port": None,
        "unix_path": None,
        "poll_interval_ms": 1,
    },
    "SubprocessOptions": {"binary_path": "", "drain_timeout_sec": 30.0, "stderr_buffer_lines": 200, "env": {}},
    "DockerOptions": {
        "pull_policy": "if-missing",
        "engine_path": "docker",
        "container_name_prefix": "stdiobus",
        "extra_args": [],
        "env": {},
    },
    "BusOptions": {"config_path": REQUIRED, "backend": "auto", "timeout_ms": 30000, "docker": None},
    "RequestOptions": {"timeout_ms": None, "session_id": None, "agent_id": None, "identity": None, "audit": None},
    "Identity": {"subject_id": REQUIRED, "role": REQUIRED, "asserted_by": "self"},
    "AuditEvent": {
        "event_id": REQUIRED,
        "action": REQUIRED,
        "parent_event_id": None,
        "timestamp": None,
        "actor": None,
        "resource": None,
        "outcome": None,
    },
    "HelloParams": {"protocol_version": "0.1.0", "extensions": {}},
    "HelloResult": {"extensions": {}},
    "ExtensionInfo": {"required": False, "active": False},
    "StreamEvent": {"type": REQUIRED, "text": None, "result": None},
    "BusStats": dict.fromkeys(
        [
            "messages_in",
            "messages_out",
            "bytes_in",
            "bytes_out",
            "worker_restarts",
            "routing_errors",
            "client_connects",
            "client_disconnects",
        ],
        0,
    ),
}

MEMBERS: dict[str, dict[str, Any]] = {
    "BackendMode": {"AUTO": "auto", "NATIVE": "native", "DOCKER": "docker", "SUBPROCESS": "subprocess"},
    "ListenMode": {"NONE": "none", "TCP": "tcp", "UNIX": "unix"},
    "BusState": {"CREATED": 0, "STARTING": 1, "RUNNING": 2, "STOPPING": 3, "STOPPED": 4},
    "ErrorCode": {
        "INVALID_ARGUMENT": 1,
        "INVALID_STATE": 2,
        "TIMEOUT": 3,
        "CANCELLED": 4,
        "TRANSPORT_ERROR": 5,
        "NEGOTIATION_FAILED": 6,
        "POLICY_DENIED": 7,
        "UNAVAILABLE": 8,
        "RESOURCE_EXHAUSTED": 9,
        "NOT_SUPPORTED": 10,
        "INTERNAL": 99,
    },
}

CODES = {
    "StdioBusError": 99,
    "InvalidArgumentError": 1,
    "InvalidStateError": 2,
    "TimeoutError": 3,
    "CancelledError": 4,
    "TransportError": 5,
    "NegotiationFailedError": 6,
    "PolicyDeniedError": 7,
    "UnavailableError": 8,
    "ResourceExhaustedError": 9,
    "NotSupportedError": 10,
    "InternalError": 99,
}

_OF_BOTH = {
    "__init__": ["config", "config_path", "backend", "timeout_ms", "docker", "subprocess", "native"],
    "start": [],
    "stop": ["timeout_sec"],
    "connect": ["params"],
    "hello": ["params"],
    "destroy": [],
    "request": ["method", "params", "timeout_ms", "session_id", "options"],
    "notify": ["method", "params", "options"],
    "send": ["message"],
    "on_message": ["handler"],
    "on_notification": ["handler"],
    "is_running": [],
    **{f"get_{name}": [] for name in ("state", "stats", "backend_type", "listen_mode", "worker_count", "client_count")},
}
METHODS: dict[str, dict[str, list[str]]] = {
    "AsyncStdioBus": {
        **_OF_BOTH,
        "stream_request": ["method", "params", "timeout_ms", "session_id", "options"],
        "subscribe_notifications": ["max_queue", "overflow"],
    },
    "StdioBus": _OF_BOTH,
    "StdioBusBuilder": {
        "config": ["config"],
        "config_path": ["path"],
        "backend": ["mode"],
        "timeout_ms": ["timeout_ms"],
        "docker": ["options"],
        "subprocess": ["options"],
        "native": ["options"],
        "build": [],
        "build_sync": [],
    },
    "NotificationSubscription": {"__aiter__": [], "__anext__": [], "close": []},
    "BusConfig": {"validate": [], "to_json": []},
    "NativeOptions": {"validate": []},
    "HelloParams": {"to_dict": []},
    "Identity": {"to_dict": []},
    "AuditEvent": {"to_dict": []},
    "StdioBusError": {"__init__": ["message", "details"], "to_dict": []},
}


def default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return REQUIRED if field.default is dataclasses.MISSING else field.default


@pytest.mark.parametrize("name", FIELDS)
def test_a_dataclass_has_these_fields_and_defaults(names: Client, name: str) -> None:
    fields = {field.name: default_of(field) for field in dataclasses.fields(names.public(name))}
    assert {field: fields.get(field, "absent") for field in FIELDS[name]} == FIELDS[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_an_enumeration_has_these_members(names: Client, name: str) -> None:
    assert {key: member.value for key, member in names.public(name).__members__.items()} == MEMBERS[name]


@pytest.mark.parametrize("name", METHODS)
def test_a_class_has_these_methods_with_these_parameters(names: Client, name: str) -> None:
    kind = names.public(name)
    for method, parameters in METHODS[name].items():
        given = inspect.signature(getattr(kind, method)).parameters
        assert set(parameters) <= set(given), method


@pytest.mark.parametrize("name", CODES)
def test_an_exception_class_carries_its_code(names: Client, name: str) -> None:
    kind = names.public(name)
    assert kind.code == CODES[name]
    assert kind("why").code == CODES[name]
    assert issubclass(kind, names.bus.StdioBusError)


def test_every_name_that_the_published_package_exports_is_here(names: Client) -> None:
    expected = {*FIELDS, *MEMBERS, *CODES, "AsyncStdioBus", "StdioBus", "StdioBusBuilder"}
    expected |= {"NotificationSubscription", "OverflowPolicy", "StreamEventType"}
    assert all(names.public(name) is not None for name in expected)
    if not names.ours:
        assert set(names.bus.__all__) <= expected


def test_an_error_says_what_it_is_as_a_dict(names: Client) -> None:
    error = names.bus.TransportError("why", {"more": 1})
    assert (error.message, error.details) == ("why", {"more": 1})
    assert error.to_dict() == {"code": 5, "message": "why", "details": {"more": 1}}
    assert names.bus.TransportError("why").to_dict() == {"code": 5, "message": "why"}


def test_a_code_becomes_its_exception(names: Client) -> None:
    error = names.public("error_from_code")(6, "why", {"more": 1})
    assert type(error) is names.bus.NegotiationFailedError
    assert error.details == {"more": 1}


def test_the_parts_of_a_message_are_written_as_documented(names: Client) -> None:
    assert names.bus.Identity("u", "operator").to_dict() == {
        "subjectId": "u",
        "role": "operator",
        "assertedBy": "self",
    }
    audit = names.bus.AuditEvent("e", "act", parent_event_id="p", actor={"id": "u"})
    assert audit.to_dict() == {"eventId": "e", "action": "act", "parentEventId": "p", "actor": {"id": "u"}}


def test_a_handshake_is_written_and_read_as_documented(names: Client) -> None:
    extension = names.public("ExtensionInfo")(version="1.0", required=True)
    assert names.bus.HelloParams(extensions={"identity": extension}).to_dict() == {
        "protocolVersion": "0.1.0",
        "extensions": {"identity": {"version": "1.0", "required": True}},
    }
    answer = {"negotiatedProtocolVersion": "0.1.0", "sessionId": "s", "extensions": {"x": {"version": "2"}}}
    result = names.bus.HelloResult.from_dict(answer)
    assert (result.negotiated_protocol_version, result.session_id) == ("0.1.0", "s")
    assert (result.extensions["x"].version, result.extensions["x"].active) == ("2", False)
    assert names.bus.HelloResult.from_dict({}).session_id == ""


def test_an_event_of_a_stream_can_be_made_for_a_test(names: Client) -> None:
    chunk, result = names.bus.StreamEvent("chunk", text="a"), names.bus.StreamEvent("result", result={"n": 1})
    assert (chunk.type, chunk.text, chunk.result) == ("chunk", "a", None)
    assert (result.type, result.text, result.result) == ("result", None, {"n": 1})
