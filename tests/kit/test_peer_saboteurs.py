"""Every rule for ACP agents and MCP servers is broken by a saboteur that breaks little else."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target, from_file

from .saboteurs import Saboteur, declared_in, failing, played

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the bundled peers read a pipe with asyncio")

FOLDER = data_dir() / "workers" / "saboteurs"
HONEST = {"acp": "acp-agent", "mcp": "mcp-server"}
SCALE = 0.6  # an answer takes milliseconds; a deadline of 3 s is for those that never come


SABOTEURS = [(profile, saboteur) for profile in HONEST for saboteur in declared_in(FOLDER / profile)]


def rows(profile: str) -> set[str]:
    return {name for name, row in catalogue().items() if profile in row.profiles}


def target(profile: str, name: str) -> Target:
    honest = from_file(data_dir() / "conformance" / "targets" / f"{HONEST[profile]}.json")
    return replace(honest, command=(sys.executable, "-S", "-s", str(FOLDER / profile / f"{name}.py")))


@pytest.mark.parametrize(("profile", "saboteur"), SABOTEURS, ids=lambda it: getattr(it, "name", it))
def test_a_saboteur_fails_what_it_is_declared_to_break_and_nothing_else(profile: str, saboteur: Saboteur) -> None:
    pytest.importorskip(profile, reason=f"needs the extra {profile}")
    breaks = saboteur.breaks
    with Runner(target(profile, saboteur.name), Options(profile=profile, time_scale=SCALE)) as runner:
        results = played(runner, [case for case in runner.cases if breaks in case.requirements])
    found = failing(results)
    assert breaks in found.keys() & rows(profile) <= saboteur.failing, found
    assert any(results[name].case.requirements[0] == breaks for name in found[breaks])


@pytest.mark.parametrize("profile", HONEST)
def test_every_rule_is_broken_by_a_saboteur(profile: str) -> None:
    assert {saboteur.breaks for saboteur in declared_in(FOLDER / profile)} == rows(profile)


@pytest.mark.parametrize("profile", HONEST)
def test_every_saboteur_is_declared(profile: str) -> None:
    files = {file.stem for file in (FOLDER / profile).glob("*.py")} - {"honest_agent", "honest_server"}
    assert files == {saboteur.name for saboteur in declared_in(FOLDER / profile)}
