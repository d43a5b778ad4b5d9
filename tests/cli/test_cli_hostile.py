"""Files and programs of somebody else's: what they say is shown as text, and what is not valid is their mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Said

    Command = Callable[..., Said]

ACTING = "\x1b[31mred"
SENT = {"n": 0, "t_us": 0, "actor": f"client:{ACTING}", "kind": "line", "dir": "in", "data": '{"id":1,"method":"m"}'}
CAME = {**SENT, "n": 1, "dir": "out", "data": "noise"}


def written(file: Path, *events: dict[str, Any], **head: Any) -> Path:
    file.write_text("".join(f"{json.dumps(line)}\n" for line in ({"format": 1, **head}, *events)), encoding="utf-8")
    return file


def test_judge_prints_nothing_that_a_terminal_acts_on(command: Command, tmp_path: Path) -> None:
    said = command("judge", written(tmp_path / "h.ndjson", SENT, CAME, target=ACTING))
    assert said.status == 1
    assert "\\x1b[31mred ->" in said.out
    assert "\x1b" not in said.out + said.err


def test_a_refusal_prints_nothing_that_a_terminal_acts_on(command: Command, tmp_path: Path) -> None:
    said = command("judge", written(tmp_path / "h.ndjson", SENT, case=f"worker/{ACTING}"))
    assert said.status == 2
    assert "there is no case 'worker/\\x1b[31mred'" in said.err


@pytest.mark.parametrize(
    "event",
    [
        {"actor": "target", "kind": "exit", "code": 1, "data": {"base64": "//8="}},
        {"actor": "target", "kind": "spawn", "argv": 5},
        {"actor": "target", "kind": "spawn", "argv": [5]},
        {"actor": "target", "kind": "signal", "exit": 1},
        {"actor": "worker:w/0#1", "kind": "open", "fds": ["3"]},
        {"actor": "worker:w/0#1", "kind": "open", "fds": {"3": 3}},
        {"actor": "client:kit", "kind": "line", "dir": "out", "data": "\ud800"},
    ],
    ids=lambda event: json.dumps(event)[10:],
)
def test_a_history_that_nobody_can_have_written_is_refused(
    command: Command, tmp_path: Path, event: dict[str, Any]
) -> None:
    said = command("judge", written(tmp_path / "h.ndjson", {"n": 0, "t_us": 0, **event}))
    assert said.status == 2, said.err
    assert "h.ndjson: " in said.err


def test_what_a_library_says_when_it_is_loaded_is_shown_as_text(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = tmp_path / "workers" / "embedding.py"
    host.parent.mkdir()
    host.write_text("import os, sys; os.write(2, b'\\xff \\x1b[31m no'); sys.exit(1)", encoding="utf-8")
    monkeypatch.setattr(target, "data_dir", lambda: tmp_path)
    said = command("kernel", "--library", host)
    assert said.status == 2, said.err
    assert said.err.rstrip().endswith("cannot be loaded: \\xff \\x1b[31m no")
