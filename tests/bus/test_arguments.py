"""Arguments of a wrong type are refused by name, before anything starts or is sent."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    ExtensionInfo,
    HelloParams,
    InvalidArgumentError,
    LimitsConfig,
    NativeOptions,
    PoolConfig,
    RequestOptions,
    StdioBus,
    StdioBusBuilder,
    SubprocessOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import MakeBus, WorkerPool

POOL = PoolConfig(id="w", command="cat")
CONFIG = BusConfig(pools=[POOL])
NO_SECONDS: tuple[Any, ...] = ("1", -1, math.nan, True, None)
# The argument that the error names, and values that it may not have.
POOL_FIELDS: dict[str, tuple[Any, ...]] = {
    "id": (None, 1, "", b"w", "a\0"),
    "command": (None, 1, "", ["cat"], "cat\0"),
    "args": ("x", [1], ["a\0"], {}),
    "instances": (None, "1", 1.5, True, 0, -1),
    "env": ([], {"A": 1}, {1: "a"}, {"A=": "a"}, {"": "a"}, {"A": "a\0"}),
    "inherit_env": ("PATH", [1], 1),
    "cwd": (1, "", b"/"),
    "envelope": (1, "", []),
}


def each(kind: Any, field: str, *values: Any, **common: Any) -> tuple[Any, ...]:
    """One object for each value of a field."""
    return tuple(kind(**{field: value}, **common) for value in values)


OPTIONS = {
    "listen_mode": each(NativeOptions, "listen_mode", 1, "smoke", []),
    "tcp_port": each(NativeOptions, "tcp_port", "1", True, -1, None, listen_mode="tcp"),
    "tcp_host": each(NativeOptions, "tcp_host", 1, "", listen_mode="tcp", tcp_port=0),
    "unix_path": each(NativeOptions, "unix_path", None, 1, "", listen_mode="unix"),
    "poll_interval_ms": each(NativeOptions, "poll_interval_ms", "1", 1.5, 0, True),
    "library_path": each(NativeOptions, "library_path", 1, None),
    "binary_path": each(SubprocessOptions, "binary_path", 1, "a\0"),
    "start_timeout_sec": each(SubprocessOptions, "start_timeout_sec", *NO_SECONDS, 0),
    "drain_timeout_sec": each(SubprocessOptions, "drain_timeout_sec", *NO_SECONDS),
    "stderr_buffer_lines": each(SubprocessOptions, "stderr_buffer_lines", "1", 0, True),
    "env": each(SubprocessOptions, "env", [], {"A": 1}),
}
CALL: dict[str, tuple[Any, ...]] = {
    "method": each(dict, "method", None, 1, b"m", []),
    "params": each(dict, "params", 1, "x", {1}, b"", True),
    "pool": each(dict, "pool", 1, [], b"w", "elsewhere"),
    "session_id": each(dict, "session_id", 1, [], b"s") + each(dict, "options", *each(RequestOptions, "session_id", 1)),
    "options": (
        *each(dict, "options", {}, 1, "x"),
        *each(dict, "options", *each(RequestOptions, "agent_id", 1)),
        *each(dict, "options", *each(RequestOptions, "identity", {}), *each(RequestOptions, "audit", {})),
    ),
}
WAIT: dict[str, tuple[Any, ...]] = {
    "timeout_ms": (
        *each(dict, "timeout_ms", "5", 0, -1, True, math.nan, []),
        *each(dict, "options", *each(RequestOptions, "timeout_ms", "1", 0)),
    )
}
REQUEST = {"id": 1, "method": "m"}
EXTENSIONS: tuple[Any, ...] = (
    {1: ExtensionInfo()},
    {"a": 1},
    {"a": each(ExtensionInfo, "version", 1)[0]},
    {"a": each(ExtensionInfo, "required", "x")[0]},
)
OTHER_CALLS: dict[tuple[str, str], tuple[Any, ...]] = {
    ("hello", "params"): (1, {}, *each(HelloParams, "protocol_version", 1), *each(HelloParams, "extensions", [])),
    ("hello", "params.extensions"): each(HelloParams, "extensions", *EXTENSIONS),
    ("hello", "pool"): each(dict, "pool", 1),
    ("connect", "params"): (1, "x"),
    ("send", "message"): (None, b"{}", 1),
    ("subscribe", "pool"): (1, [], "elsewhere"),
    ("subscribe", "max_queue"): each(dict, "max_queue", True, 1.5, "1", 0),
    ("subscribe", "overflow_policy"): each(dict, "overflow_policy", [], 1, "burn"),
    ("subscribe_notifications", "overflow"): each(dict, "overflow", [], 1, "burn"),
    ("unsubscribe", "subscription"): (None, 1),
    ("on_request", "handler"): (None, "x"),
    ("on_message", "handler"): (None, "x"),
    ("on_notification", "handler"): (None, "x"),
    ("on_wire", "handler"): (None, "x"),
    ("stop", "timeout_sec"): NO_SECONDS,
    ("respond", "request"): (None, [], 1),
    ("respond", "error"): each(dict, "error", 1, {"code": True, "message": ""}, {"code": 1}, request=REQUEST),
}


def refused(name: str, **arguments: Any) -> None:
    """A bus with these arguments cannot be made: not with await, without it or step by step."""
    for make in (AsyncStdioBus, StdioBus):
        with pytest.raises(InvalidArgumentError, match=name):
            make(**arguments)
    builder = StdioBusBuilder()
    for argument, value in arguments.items():
        getattr(builder, argument)(value)
    with pytest.raises(InvalidArgumentError, match=name):
        builder.build()


@pytest.mark.parametrize("field", POOL_FIELDS)
def test_a_pool_that_no_kernel_can_run_is_refused_by_its_path(field: str) -> None:
    for value in POOL_FIELDS[field]:
        pool = replace(POOL, **{field: value})
        refused(rf"^pools\[1\]\.{field}: expected", config=BusConfig(pools=[POOL, pool]))


@pytest.mark.parametrize("pools", [None, [], "x", {}, [1], [None], [{"id": "w", "command": "cat"}]])
def test_pools_are_a_list_of_pools(pools: Any) -> None:
    refused(r"^pools(\[0\])?: expected", config=BusConfig(pools=pools))


@pytest.mark.parametrize("value", ["1", 1.5, -1, True])
def test_a_limit_is_a_whole_number(value: Any) -> None:
    for name in LimitsConfig.__dataclass_fields__:
        refused(rf"^limits\.{name}: expected", config=BusConfig([POOL], LimitsConfig(**{name: value})))


@pytest.mark.parametrize("name", ["config", "native", "subprocess", "docker"])
def test_options_are_objects_of_their_class(name: str) -> None:
    for arguments in each(dict, name, {}, 1, "x"):
        refused(f"^{name}: expected", **{"config": CONFIG, **arguments})
    refused("^limits: expected", config=each(BusConfig, "limits", {}, pools=[POOL])[0])


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_can_never_work_is_named(name: str) -> None:
    for options in OPTIONS[name]:
        backend = "native" if isinstance(options, NativeOptions) else "subprocess"
        refused(f"^{name}", config=CONFIG, backend=backend, **{backend: options})


@pytest.mark.parametrize("value", [1, None, [], "carrier-pigeon"])
def test_a_backend_is_one_of_those_that_are_known(value: Any) -> None:
    refused("^backend: .*native, subprocess, docker", config=CONFIG, backend=value)


@pytest.mark.parametrize("value", [1, b"x", [], "", "absent.json", "a\0"])
def test_a_path_of_a_configuration_is_a_file_that_can_be_read(value: Any) -> None:
    refused("^config_path", config_path=value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"pools": [}', b'{"pools": 1}', b'{"pools": [1]}', b"[" * 100_000]
)
def test_a_configuration_file_that_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bus.json"
    path.write_bytes(content)
    refused(r"bus\.json", config_path=path)


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ['{"pools":[{"id":"a","command":"cat","instances":NaN}]}', '{"pools":[{"id":"a"}]}'])
async def test_a_configuration_file_that_only_the_kernel_refuses_fails_the_start(
    stdiobus_backend: str, stdiobus_docker: Any, tmp_path: Path, text: str
) -> None:
    path = tmp_path / "bus.json"
    path.write_text(text, encoding="utf-8")
    bus = AsyncStdioBus(config_path=path, backend=stdiobus_backend, docker=stdiobus_docker)
    with pytest.raises(InvalidArgumentError, match=r"instances|\$|command"):
        await bus.start()


@pytest.mark.parametrize("call", ["request", "stream_request", "notify"])
async def test_a_call_is_refused_by_the_name_of_its_argument(
    make_stdiobus: MakeBus, worker: WorkerPool, call: str
) -> None:
    bus = await make_stdiobus([worker("for m in lines: answer(m, {})")])
    for name, wrong in (CALL if call == "notify" else CALL | WAIT).items():
        for arguments in wrong:
            with pytest.raises(InvalidArgumentError, match=name):
                await outcome(getattr(bus, call), **{"method": "m", **arguments})
    assert (bus.get_pending_count(), bus.get_stats().messages_in) == (0, 0)


async def test_other_calls_are_refused_by_the_name_of_their_argument(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    bus = await make_stdiobus([worker("for m in lines: answer(m, {})")])
    for (call, name), values in OTHER_CALLS.items():
        for value in values:
            by_name = isinstance(value, dict) and bool(value)
            with pytest.raises(InvalidArgumentError, match=name):
                await outcome(getattr(bus, call), *(() if by_name else (value,)), **(value if by_name else {}))
    assert bus.is_running()
    assert bus.get_stats().messages_in == 0


async def outcome(call: Callable[..., Any], *positional: Any, **named: Any) -> None:
    given = call(*positional, **named)
    if hasattr(given, "__anext__"):
        await anext(given)
    elif asyncio.iscoroutine(given):
        await given
