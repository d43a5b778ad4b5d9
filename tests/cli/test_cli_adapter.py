"""The command for who writes an adapter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.data import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Said

    Command = Callable[..., Said]

TINY = Path(__file__).resolve().parents[1] / "adapters" / "tiny.py"
ADAPTERS = data_dir() / "conformance" / "adapters"
SMALL = TINY.with_name("small.py")


def test_a_sound_adapter_is_said_to_be_sound(command: Command) -> None:
    said = command("adapter", "lint", "--", sys.executable, TINY)
    assert said.status == 0, said
    assert "the adapter is sound" in said.out


def test_a_broken_one_is_shown_with_rule_remedy_and_transcript(command: Command) -> None:
    said = command("adapter", "lint", "--", sys.executable, TINY, "goes on")
    assert said.status == 1, said
    assert "FAIL events: every answer and event belongs to a command" in said.out
    assert "try: Send back the id of the call" in said.out
    assert 'adapter -> kit  {"call": "state-' in said.out
    assert "has to be mended: events" in said.out


def test_what_is_behind_a_sound_adapter_has_a_status_of_its_own(command: Command) -> None:
    said = command("adapter", "smoke", "--", sys.executable, SMALL, "sdk cannot start")
    assert said.status == 3, said
    assert "SDK  subprocess/open: open makes a client" in said.out
    assert "no kernel in PATH" in said.out
    assert "keeps to the protocol" in said.out


def test_an_exported_adapter_runs_where_it_was_put(command: Command, tmp_path: Path) -> None:
    said = command("adapter", "export", "reference", tmp_path / "mine")
    assert said.status == 0, said
    assert (tmp_path / "mine" / "README.md").read_text(encoding="utf-8").startswith("# Adapter")
    said = command("adapter", "lint", "--", sys.executable, "mine/reference.py")
    assert said.status == 0, said


def test_every_adapter_can_be_exported_and_none_of_its_files_is_forgotten(command: Command, tmp_path: Path) -> None:
    exported: set[str] = set()
    for name in ("reference", "python", "rust", "node"):
        said = command("adapter", "export", name, tmp_path / name)
        assert said.status == 0, said
        assert "stdiobus-conformance adapter lint --" in said.out
        exported |= {file.name for file in (tmp_path / name).rglob("*") if file.is_file()}
    kept = {file.name for file in ADAPTERS.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert exported - {"README.md"} == kept - {"adapters.json"}


def test_nothing_that_is_there_is_written_over(command: Command, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", encoding="utf-8")
    said = command("adapter", "export", "reference", tmp_path)
    assert said.status == 2
    assert "README.md is already there" in said.err
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


def test_wrong_use_says_what_is_right(command: Command) -> None:
    for words in (
        ["export"],
        ["export", "cobol", "here"],
        ["lint"],
        ["lint", "node"],
        ["lint", "--", "no-such-program"],
    ):
        said = command("adapter", *words)
        assert said.status == 2, words
        assert said.err, words
    assert "there are " in command("adapter", "export", "cobol", "here").err
