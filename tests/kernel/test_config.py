# SPDX-License-Identifier: Apache-2.0
"""Configuration and command line (PROTOCOL section 9)."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from .harness import Rig, locate, request
from .harness.world import TIME_SCALE

POOL = {"id": "w", "command": "cat"}


def run(*arguments: str, pass_fds: Sequence[int] = ()) -> "subprocess.CompletedProcess[str]":
    """Run the executable to its end, without input."""
    return subprocess.run(
        [str(locate.executable()), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10 * TIME_SCALE,
        check=False,
        pass_fds=pass_fds,
    )


def check(rig: Rig, config: object) -> "subprocess.CompletedProcess[str]":
    """Let the executable validate a configuration; bytes are written as they are."""
    path = rig.folder / "checked.json"
    path.write_bytes(config if isinstance(config, bytes) else json.dumps(config).encode())
    return run("--config", str(path), "--check")


@pytest.mark.req("KRN-CFG-01")
@pytest.mark.transports("unix", "embedded")
def test_pools_with_and_without_arguments_and_limits_are_read(rig: Rig) -> None:
    bus = rig.start(pools=[rig.workers.pool("a", 2), {**POOL, "instances": 1}], limits={"max_restarts": 3})
    client, workers = bus.client(), rig.workers.take(2, "a")
    client.send(request(1, pool="a"))
    assert rig.receiver(workers).recv()["id"] == 1


def pools(**members: object) -> dict[str, Any]:
    """Return a configuration of one pool with other members; None removes one."""
    pool = {**POOL, "instances": 1, **members}
    return {"pools": [{key: value for key, value in pool.items() if value is not ...}]}


REFUSED: dict[str, object] = {
    "empty-file": b"",
    "not-json": b"pools: []",
    "cut": b'{"pools":[{"id":"w","command":"cat"}',
    "array": [],
    "null": None,
    "no-pools": {},
    "pools-empty": {"pools": []},
    "pools-is-an-object": {"pools": POOL},
    "pool-is-a-string": {"pools": ["cat"]},
    "no-id": pools(id=...),
    "id-empty": pools(id=""),
    "id-is-a-number": pools(id=1),
    "no-command": pools(command=...),
    "command-empty": pools(command=""),
    "command-is-an-array": pools(command=["cat"]),
    "args-is-a-string": pools(args="x"),
    "args-has-a-number": pools(args=["x", 1]),
    "instances-zero": pools(instances=0),
    "instances-negative": pools(instances=-1),
    "instances-a-string": pools(instances="2"),
    "instances-a-fraction": pools(instances=1.5),
    "limits-is-an-array": {**pools(), "limits": []},
    "limit-is-a-string": {**pools(), "limits": {"max_restarts": "5"}},
    "limit-is-true": {**pools(), "limits": {"max_restarts": True}},
}


@pytest.mark.req("KRN-CFG-02")
@pytest.mark.parametrize("config", [pytest.param(v, id=k) for k, v in REFUSED.items()])
def test_a_wrong_configuration_is_refused_before_any_worker_starts(rig: Rig, config: object) -> None:
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    trace = rig.folder / "trace"
    text = text.replace(b'"cat"', json.dumps(f"touch {trace}").encode()) if b'["cat"]' in text else text
    bus = rig.launch(text, ready=False)
    assert bus.wait_exit() not in {0, None}
    assert bus.process.returncode > 0
    assert bus.log
    assert not trace.exists()
    assert check(rig, text).returncode != 0


@pytest.mark.req("KRN-CFG-02")
def test_one_wrong_pool_keeps_the_right_ones_from_starting(rig: Rig) -> None:
    bus = rig.launch(rig.config(pools=[rig.workers.pool("w"), {"id": "x"}]), ready=False)
    assert bus.wait_exit() == 1
    rig.world.watch(0.1)
    assert not rig.workers.everyone


@pytest.mark.req("KRN-CFG-02")
def test_a_missing_configuration_file_is_named(rig: Rig) -> None:
    missing = str(rig.folder / "missing.json")
    done = run("--config", missing)
    assert done.returncode == 1
    assert missing in done.stderr


STRICT: dict[str, tuple[object, str]] = {
    "trailing-garbage": (json.dumps(pools()).encode() + b" x", ""),
    "second-document": (json.dumps(pools()).encode() * 2, ""),
    "trailing-comma": (b'{"pools":[{"id":"w","command":"cat"},]}', ""),
    "duplicate-ids": ({"pools": [POOL, POOL]}, "pools[1].id"),
    "unknown-top-key": ({**pools(), "pool": 1}, "pool"),
    "unknown-pool-key": (pools(arguments=[]), "pools[0].arguments"),
    "unknown-limit": ({**pools(), "limits": {"max_inputs": 1}}, "limits.max_inputs"),
    "limit-negative": ({**pools(), "limits": {"max_restarts": -1}}, "limits.max_restarts"),
    "limit-huge": ({**pools(), "limits": {"max_input_buffer": 10**30}}, "limits.max_input_buffer"),
    "limit-zero": ({**pools(), "limits": {"max_input_buffer": 0}}, "limits.max_input_buffer"),
    "limit-a-fraction": ({**pools(), "limits": {"drain_timeout_sec": 0.5}}, "limits.drain_timeout_sec"),
    "id-is-a-number": (pools(id=5), "pools[0].id"),
    "second-pool": ({"pools": [POOL, {"id": "x"}]}, "pools[1].command"),
    "argument": (pools(args=["a", "b", None]), "pools[0].args[2]"),
    "instances": (pools(instances=0), "pools[0].instances"),
    "envelope": (pools(envelope="remove"), "pools[0].envelope"),
    "env": (pools(env={"A": 1}), "pools[0].env"),
    "inherit-env": (pools(inherit_env="yes"), "pools[0].inherit_env"),
    "cwd": (pools(cwd=1), "pools[0].cwd"),
    "duplicate-member": (b'{"pools":[{"id":"w","id":"x","command":"cat"}]}', ""),
    "byte-order-mark": (b"\xef\xbb\xbf" + json.dumps(pools()).encode(), ""),
    "not-utf-8": (b'{"pools":[{"id":"\xff","command":"cat"}]}', ""),
}


@pytest.mark.req("KRN-CFG-03")
@pytest.mark.parametrize(("config", "path"), [pytest.param(*v, id=k) for k, v in STRICT.items()])
def test_a_fault_is_refused_and_its_json_path_named(rig: Rig, config: object, path: str) -> None:
    done = check(rig, config)
    assert done.returncode == 1
    assert path in done.stderr
    assert done.stderr.strip()


@pytest.mark.req("KRN-CFG-03")
def test_the_message_says_what_was_expected(rig: Rig) -> None:
    assert "string" in check(rig, pools(id=5)).stderr
    assert "array" in check(rig, pools(args=5)).stderr


@pytest.mark.req("KRN-CFG-03")
def test_all_faults_are_told_at_once(rig: Rig) -> None:
    done = check(rig, {"pools": [{"id": 1, "instances": 0}, {"id": "x", "command": 2}], "limits": {"x": 1}})
    for path in ("pools[0].id", "pools[0].command", "pools[0].instances", "pools[1].command", "limits.x"):
        assert path in done.stderr


@pytest.mark.req("KRN-CFG-04")
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_the_configuration_may_come_from_a_descriptor(rig: Rig, kind: str) -> None:
    text = json.dumps(pools()).encode()
    if kind == "pipe":
        descriptor, write_end = os.pipe()
        os.write(write_end, text)
        os.close(write_end)
    else:
        path = rig.folder / "config"
        path.write_bytes(text)
        descriptor = os.open(path, os.O_RDONLY)
    done = run("--config-fd", str(descriptor), pass_fds=[descriptor])
    os.close(descriptor)
    assert done.returncode == 0, done.stderr


@pytest.mark.req("KRN-CFG-04")
def test_a_descriptor_that_is_not_open_is_refused(rig: Rig) -> None:
    assert run("--config-fd", "77").returncode == 1
    assert rig.transport == "unix"


Arguments = Callable[[str], list[str]]
WRONG_USE: dict[str, Arguments] = {
    "nothing": lambda _: [],
    "no-config": lambda _: ["--stdio"],
    "unknown-option": lambda config: ["--config", config, "--frobnicate"],
    "unknown-short-option": lambda config: ["--config", config, "-x"],
    "stray-argument": lambda config: ["--config", config, "extra"],
    "config-without-value": lambda _: ["--config"],
    "unix-without-value": lambda config: ["--config", config, "--unix"],
    "tcp-without-value": lambda config: ["--config", config, "--tcp"],
    "stdio-and-unix": lambda config: ["--config", config, "--stdio", "--unix", "never.sock"],
    "stdio-and-tcp": lambda config: ["--config", config, "--stdio", "--tcp", "127.0.0.1:0"],
    "unix-and-tcp": lambda config: ["--config", config, "--unix", "never.sock", "--tcp", "127.0.0.1:0"],
    "two-configs": lambda config: ["--config", config, "--config-fd", "0"],
    "config-fd-is-a-word": lambda _: ["--config-fd", "three"],
    "config-fd-is-negative": lambda _: ["--config-fd", "-1"],
    "unknown-log-level": lambda config: ["--config", config, "--log-level", "loud"],
    "tcp-without-port": lambda config: ["--config", config, "--tcp", "127.0.0.1"],
}


@pytest.mark.req("KRN-CFG-05")
@pytest.mark.parametrize("arguments", [pytest.param(v, id=k) for k, v in WRONG_USE.items()])
def test_wrong_usage_exits_2_with_one_line_of_reason(rig: Rig, arguments: Arguments) -> None:
    path = rig.folder / "config"
    path.write_text(json.dumps(pools()))
    done = run(*arguments(str(path)))
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.req("KRN-CFG-05", "KRN-CFG-04")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_go_to_stdout(rig: Rig, option: str) -> None:
    done = run(option)
    assert done.returncode == 0
    assert done.stderr == ""
    if option == "--help":
        for name in (
            "--config",
            "--config-fd",
            "--stdio",
            "--unix",
            "--tcp",
            "--check",
            "--log-level",
            "--help",
            "--version",
        ):
            assert name in done.stdout
    else:
        assert any(char.isdigit() for char in done.stdout)
        assert len(done.stdout.splitlines()) == 1
    assert rig.transport == "unix"


@pytest.mark.req("KRN-CFG-05")
def test_check_accepts_a_right_configuration_without_starting_anything(rig: Rig) -> None:
    trace = rig.folder / "trace"
    done = check(rig, {"pools": [{"id": "w", "command": "touch", "args": [str(trace)]}]})
    assert done.returncode == 0, done.stderr
    assert not trace.exists()


@pytest.mark.req("KRN-CFG-05")
def test_a_bad_configuration_exits_1(rig: Rig) -> None:
    path = rig.folder / "config"
    path.write_text("{}")
    assert run("--config", str(path)).returncode == 1


@pytest.mark.req("KRN-CFG-05")
@pytest.mark.parametrize(
    ("level", "shown", "hidden"),
    [
        ("debug", {"info"}, set()),
        ("info", {"info"}, {"debug"}),
        ("warning", set(), {"debug", "info"}),
        ("error", set(), {"debug", "info", "warning"}),
    ],
)
def test_log_level_says_what_is_logged(rig: Rig, level: str, shown: set[str], hidden: set[str]) -> None:
    bus = rig.launch(rig.config(), ready=False, options=["--log-level", level])
    bus.wait_socket()
    client, worker = bus.client(), rig.worker()
    worker.send(b"not a message")
    client.fence(worker)
    worker.exit()
    bus.stop()
    levels = {line.split(":")[1].strip() for line in bus.log if line.startswith("stdio_bus: ")}
    assert shown <= levels
    assert not levels & hidden
    assert levels <= {"debug", "info", "warning", "error"}
