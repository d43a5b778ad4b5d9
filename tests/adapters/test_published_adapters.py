"""The adapters of published SDKs, where these can be run."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_stdiobus.kit.adapters.lint import lint
from pytest_stdiobus.kit.adapters.result import Blame, Outcome
from pytest_stdiobus.kit.adapters.smoke import smoke
from pytest_stdiobus.kit.case import bundled_cases
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome as Result
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK, Target

from .conversation import ADAPTERS, Conversation, pools

without_stdiobus = pytest.mark.skipif(
    importlib.util.find_spec("stdiobus") is None,
    reason="the package stdiobus is not installed: pip install '.[stdiobus]'",
)
RUST_PROGRAM = Path(__file__).resolve().parents[2] / "build" / "adapters" / "rust" / "debug" / "stdiobus-adapter"
without_rust = pytest.mark.skipif(
    not RUST_PROGRAM.is_file(), reason="the adapter of the Rust client is not built: make adapters (needs cargo)"
)
NODE_PROGRAM = ADAPTERS / "node" / "adapter.js"
NODE = shutil.which("node")
without_node = pytest.mark.skipif(NODE is None, reason="node is not installed")
RUST = Target("stdiobus for Rust", (str(RUST_PROGRAM),))
PYTHON = Target("stdiobus", (sys.executable, str(ADAPTERS / "python" / "stdiobus_2.py")))


def failing(outcome: Outcome) -> dict[str, str]:
    return {check.name: check.said for check in outcome.checks if check.blame in {Blame.ADAPTER, Blame.SDK}}


def passing(outcome: Outcome) -> set[str]:
    return {check.name for check in outcome.checks if check.blame is Blame.NOBODY}


@without_stdiobus
def test_the_adapter_of_the_published_python_client_keeps_to_the_protocol() -> None:
    assert failing(lint(PYTHON)) == {}


@without_stdiobus
def test_the_adapter_of_the_published_python_client_reaches_it() -> None:
    outcome = smoke(PYTHON, time_scale=2)
    assert failing(outcome) == {}
    assert {"native/stream", "native/subscribe", "subprocess/request", "subprocess/hello"} <= passing(outcome)


@without_stdiobus
def test_a_client_whose_library_gives_no_descriptor_is_not_asked_to_sleep_without_one() -> None:
    (idle,) = (case for case in bundled_cases() if case.id == "sdk/threads/idle[native]")
    with Runner(replace(PYTHON, subject=SDK), Options(time_scale=4)) as runner:
        assert runner.run_case(idle).outcome is Result.NOT_APPLICABLE


@without_rust
def test_the_adapter_of_the_published_rust_client_keeps_to_the_protocol() -> None:
    assert failing(lint(RUST)) == {}


@without_rust
def test_the_adapter_of_the_published_rust_client_reaches_it() -> None:
    outcome = smoke(RUST, time_scale=2)
    assert outcome.blamed(Blame.ADAPTER) == []
    assert {"native/request", "native/notify", "native/subscribe", "native/cancel"} <= passing(outcome)
    # stop() of version 1.1.1 ends the process: its library is stepped by one thread while another destroys it
    assert all(name == "native/close" and "SIGSEGV" in said for name, said in failing(outcome).items())


@without_node
def test_the_adapter_of_the_published_node_client_is_javascript() -> None:
    assert subprocess.run([str(NODE), "--check", str(NODE_PROGRAM)], check=False).returncode == 0


@without_node
def test_without_its_package_the_adapter_of_the_node_client_says_what_to_install(tmp_path: Path) -> None:
    program = shutil.copy(NODE_PROGRAM, tmp_path)
    outcome = lint(Target("node", (str(NODE), str(program))))
    assert failing(outcome) == {"describe": "MISSING: @stdiobus/node is not installed: npm install @stdiobus/node"}
    assert outcome.blamed(Blame.ADAPTER) == []


@without_node
def test_the_adapter_of_the_node_client_hands_on_what_the_engine_is_told(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "@stdiobus" / "node"
    package.mkdir(parents=True)
    told = "exports.StdioBus = class { constructor({ docker }) { throw new Error(JSON.stringify(docker)) } }"
    (package / "index.js").write_text(told, encoding="utf-8")
    with Conversation([str(NODE), str(shutil.copy(NODE_PROGRAM, tmp_path))]) as adapter:
        answer = adapter.ask("open", backend="docker", kernel="mine", extra_args=["--init"], config=pools("echo"))
    assert json.loads(answer["error"]["message"]) == {"image": "mine", "extraArgs": ["--init"]}


@without_node
def test_the_adapter_of_the_published_node_client_reaches_it() -> None:
    where = [str(NODE), "-e", "require.resolve('@stdiobus/node')"]
    if subprocess.run(where, check=False, cwd=NODE_PROGRAM.parent, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("the package @stdiobus/node is not installed: npm install @stdiobus/node")
    assert failing(smoke(Target("node", (str(NODE), str(NODE_PROGRAM))), time_scale=2)) == {}
