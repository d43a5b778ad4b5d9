"""Every rule for ACP agents and MCP servers is broken by a saboteur that breaks little else."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.result import Outcome, by_requirement
from pytest_stdiobus.kit.run import Options, Runner
from pytest_stdiobus.kit.target import Target, from_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bundled peers read a pipe with asyncio")

FOLDER = data_dir() / "workers" / "saboteurs"
HONEST = {"acp": "acp-agent", "mcp": "mcp-server"}
SCALE = 0.6  # an answer takes milliseconds; a deadline of 3 s is for those that never come


def declared(profile: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / profile / "saboteurs.json").read_text(encoding="utf-8"))
    return found


def rows(profile: str) -> set[str]:
    return {name for name, row in catalogue().items() if profile in row.profiles}


def target(profile: str, name: str) -> Target:
    honest = from_file(data_dir() / "conformance" / "targets" / f"{HONEST[profile]}.json")
    return replace(honest, command=(sys.executable, "-S", "-s", str(FOLDER / profile / f"{name}.py")))


@pytest.mark.parametrize(
    ("profile", "name"), [(profile, name) for profile in HONEST for name in declared(profile)], ids=str
)
def test_a_saboteur_fails_what_it_is_declared_to_break_and_nothing_else(profile: str, name: str) -> None:
    pytest.importorskip(profile, reason=f"needs the extra {profile}")
    breaks, also = declared(profile)[name]["breaks"], declared(profile)[name]["also"]
    with Runner(target(profile, name), Options(profile=profile, time_scale=SCALE)) as runner:
        results = [runner.run_case(case) for case in runner.cases if breaks in case.requirements]
    outcomes = by_requirement(results)
    failed = {name for name, result in outcomes.items() if result.outcome is Outcome.FAIL} & rows(profile)
    assert breaks in failed <= {breaks, *also}, {name: outcomes[name].reason for name in failed}
    first = [result for result in results if result.case.requirements[0] == breaks]
    assert any(finding.requirement == breaks for result in first for finding in result.failures)
    assert not [result.findings for result in results if result.outcome is Outcome.HARNESS_ERROR]


@pytest.mark.parametrize("profile", HONEST)
def test_every_rule_is_broken_by_a_saboteur(profile: str) -> None:
    assert {saboteur["breaks"] for saboteur in declared(profile).values()} == rows(profile)


@pytest.mark.parametrize("profile", HONEST)
def test_every_saboteur_is_declared(profile: str) -> None:
    files = {file.stem for file in (FOLDER / profile).glob("*.py")} - {"honest_agent", "honest_server"}
    assert files == declared(profile).keys()
