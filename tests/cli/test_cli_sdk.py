"""The command that judges SDKs."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Said

    Command = Callable[..., Said]

ADAPTER = data_dir() / "conformance" / "adapters" / "python" / "reference.py"
ONE = "no-parameters"
DEAF = """
    import json, sys
    about = {"name": "deaf", "version": "3", "language": "python", "backends": ["subprocess"], "capabilities": ["request"]}
    for line in sys.stdin:
        name = json.loads(line)["command"]
        if name == "exit":
            break
        more = about if name == "describe" else {} if name in {"open", "close"} else {"unsupported": True}
        if name != "call":
            print(json.dumps({"answer": name, **more}), flush=True)
"""
OPENS_ANYTHING = """
    import json, sys
    about = {"name": "tiny", "version": "3", "language": "python", "backends": ["docker"], "capabilities": ["request"]}
    for line in sys.stdin:
        command = json.loads(line)
        name = command["command"]
        if name == "exit":
            break
        told = about if name == "describe" else {} if name in {"open", "close"} else {"unsupported": True}
        if name == "open" and command.get("kernel") != "mine":
            told = {"error": {"name": "TRANSPORT_ERROR", "message": "no such image"}}
        print(json.dumps({"answer": name, **told}), flush=True)
"""


def test_an_sdk_is_judged_under_its_own_name(command: Command, tmp_path: Path) -> None:
    said = command("sdk", "-k", ONE, "--report", "report.json", "--", sys.executable, ADAPTER)
    assert said.status == 0, said
    assert "wire 3/3" in said.out
    target = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["target"]
    assert (target["subject"], target["name"]) == ("sdk", "pytest-stdiobus")
    assert target["version"] == importlib.metadata.version("pytest-stdiobus")


def test_only_the_backends_that_are_named_are_played(command: Command) -> None:
    said = command("sdk", "-k", ONE, "--backend", "scripted,native", "--", sys.executable, ADAPTER)
    assert said.status == 0, said
    assert "wire 2/2" in said.out


@pytest.mark.parametrize("names", ["podman", "native,tcp", ""])
def test_a_backend_that_is_none_is_refused(command: Command, names: str) -> None:
    said = command("sdk", "--backend", names, "--", sys.executable, ADAPTER)
    assert said.status == 2
    assert "--backend" in said.err


def test_a_command_is_asked_for(command: Command) -> None:
    said = command("sdk")
    assert said.status == 2
    assert "name one adapter: a command after --" in said.err


def test_a_failure_shows_both_ends_and_can_be_played_again(
    command: Command, worker: Callable[[str], tuple[str, str]]
) -> None:
    said = command("sdk", "-k", ONE, "--strict", "--time-scale", "0.2", "--", *worker(DEAF))
    assert said.status == 1, said
    assert "SDK-WIR-01" in said.out
    assert 'call:q -> sdk  {"command":"call","id":"q","op":"request","method":"m"}' in said.out
    assert "not applicable: its adapter describes no backend native" in said.out
    kept = ".stdiobus/failures/sdk.wire.no-parameters@scripted.ndjson"
    for again in (command("replay", "SDK-WIR-01/no-parameters[scripted]"), command("judge", kept)):
        assert "SDK-WIR-01" in again.out
        assert "call:q -> sdk" in again.out


def test_an_adapter_that_lies_is_no_failure_of_its_sdk(
    command: Command, worker: Callable[[str], tuple[str, str]]
) -> None:
    said = command("sdk", "-k", ONE, "--backend", "scripted", "--", *worker("print('hello')"))
    assert said.status == 2, said
    assert "the adapter wrote hello, which is no JSON object" in said.err


def test_a_failure_is_played_again_with_the_image_that_it_was_played_with(
    command: Command, worker: Callable[[str], tuple[str, str]]
) -> None:
    case = "configuration-that-is-refused[no-pools-docker]"
    options = ("-k", case, "--backend", "docker", "--image", "mine", "--strict")
    assert command("sdk", *options, "--", *worker(OPENS_ANYTHING)).status == 1
    again = command("replay", f"SDK-STA-01/{case}", "--strict")
    assert again.status == 1, again
    assert "skipped" not in again.out


def test_an_adapter_that_does_not_start_is_told_once(
    command: Command, worker: Callable[[str], tuple[str, str]]
) -> None:
    said = command("sdk", "--", *worker("raise SystemExit('module not found')"))
    assert said.status == 2
    assert "module not found" in said.err
    assert "nothing was judged; see: stdiobus-conformance adapter lint -- " in said.err
    assert said.out == ""


def test_a_run_on_more_backends_than_usual_is_no_part_of_one(
    command: Command, worker: Callable[[str], tuple[str, str]]
) -> None:
    said = command("sdk", "--backend", "docker,scripted,native,subprocess", "--", *worker(OPENS_ANYTHING))
    assert said.status == 3, said
    assert "incomplete" in said.out
    assert "partial" not in said.out
