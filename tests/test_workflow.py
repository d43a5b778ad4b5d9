"""The workflow of the documentation is one that a CI could run: YAML, commands that exist, files that were made before."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_stdiobus.cli import main
from pytest_stdiobus.data import data_dir

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "examples" / "workflows" / "conformance.yml"
PROGRAM = "stdiobus-conformance"


@pytest.fixture
def workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def targets(workflow: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = workflow["jobs"]["judge"]["strategy"]["matrix"]["include"]
    return found


def commands(workflow: dict[str, Any]) -> list[list[str]]:
    """Every command of the kit, once for each target where a job has several."""
    return [shlex.split(said) for said in said_by(workflow) if said.startswith(PROGRAM)]


def said_by(workflow: dict[str, Any]) -> list[str]:
    """What is run, with the values of each target in place of their names."""
    judging = [step["run"] for step in workflow["jobs"]["judge"]["steps"] if "run" in step]
    once = [step["run"] for step in workflow["jobs"]["matrix"]["steps"] if "run" in step]
    return once + [filled(said, target) for target in targets(workflow) for said in judging]


def filled(said: str, target: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda found: target.get(found[1], ""), said)


def reports(words: list[str]) -> set[str]:
    return {word for option, word in pairwise(words) if option == "--report"}


def test_every_command_is_one_that_exists(
    workflow: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = commands(workflow)
    assert {words[1] for words in asked} == {"kernel", "sdk", "compare"}
    for words in asked:
        monkeypatch.setattr(f"pytest_stdiobus.commands.{words[1]}.execute", lambda _: 0)
        assert main(words[1:]) == 0, capsys.readouterr().err


def test_what_is_compared_has_been_written(workflow: dict[str, Any]) -> None:
    written = {file for words in commands(workflow) if words[1] != "compare" for file in reports(words)}
    compared = {
        word for words in commands(workflow) if words[1] == "compare" for word in words if word.endswith(".json")
    }
    assert compared
    assert compared <= written


def test_the_adapters_are_those_that_the_kit_exports(workflow: dict[str, Any]) -> None:
    named = {word for target in targets(workflow) for word in target["target"].split() if word.startswith("adapters/")}
    sources = [word for word in named if "/target/" not in word]
    assert sources
    assert [word for word in sources if not (data_dir() / "conformance" / word).is_file()] == []


def test_the_reports_are_shown_even_when_a_target_fails(workflow: dict[str, Any]) -> None:
    assert workflow["jobs"]["matrix"]["if"] == "always()"
    assert workflow["jobs"]["matrix"]["needs"] == "judge"
    last = workflow["jobs"]["judge"]["steps"][-1]
    assert last["if"] == "always()"
    assert "upload-artifact" in last["uses"]


def test_the_page_shows_the_workflow_as_it_is() -> None:
    page = (ROOT / "docs" / "how-to" / "ci.md").read_text(encoding="utf-8")
    assert f"```yaml\n{FILE.read_text(encoding='utf-8')}```" in page
