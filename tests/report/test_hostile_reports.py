"""Reports of somebody else's: what is read from them stays text on the terminal and in Markdown, or is refused with its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.cli import main
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.report import model
from pytest_stdiobus.report.markdown import markdown

from .conftest import a_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.report.model import Report

    Make = Callable[..., Report]

ACTING = "\x1b]0;mine\x07\x1b[2J"
ELEMENT = "<img src=x onerror=alert(1)>"


@dataclass
class Compared:
    """What compare printed, and its status."""

    status: int
    out: str
    err: str


@pytest.fixture
def compare(
    report: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[Callable[[Any], object]], Compared]:
    """``compare(change)``: compares a report with one that was changed, as its file's text if ``change`` gives one."""

    def run(change: Callable[[Any], object]) -> Compared:
        one, other = (report(a_result(outcome)) for outcome in (Outcome.PASS, Outcome.FAIL))
        model.write(one, tmp_path / "one.json")
        changed = change(other)
        text = changed if isinstance(changed, str) else json.dumps(other)
        (tmp_path / "other.json").write_text(text, encoding="utf-8")
        files = [str(tmp_path / name) for name in ("one.json", "other.json")]
        status = main(["compare", *files, "--report", str(tmp_path / "both.md")])
        out, err = capsys.readouterr()
        return Compared(status, out, err)

    return run


def test_compare_prints_nothing_that_a_terminal_acts_on(compare: Callable[..., Compared]) -> None:
    def change(other: Any) -> None:
        other["target"]["name"] = other["requirements"][0]["statement"] = f"name {ACTING}"
        other["requirements"][0]["findings"][0]["case"] = f"case {ACTING}"

    said = compare(change)
    assert said.status == 1
    assert "name \\x1b]0;mine" in said.out
    assert not [char for char in said.out if not (char.isprintable() or char == "\n")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda other: other["requirements"][0].update(id=ELEMENT), "$.requirements[0].id: "),
        (lambda other: other["failures"][0].update(requirement=ELEMENT), "$.failures[0].requirement: "),
        (lambda other: other["target"].update(name="\ud800"), "half of a surrogate pair"),
        (lambda other: json.dumps(other).replace('"ms": 1.5', '"ms": 1e999'), "a number that is too large"),
        (lambda _: "[" * 100_000 + "]" * 100_000, "nested too deeply"),
        (lambda _: "[" * 900 + "]" * 900, "nested too deeply"),
    ],
    ids=["requirement", "failure", "surrogate", "number", "depth", "some depth"],
)
def test_a_report_that_nobody_can_have_written_is_refused(
    compare: Callable[..., Compared], change: Callable[[Any], object], why: str
) -> None:
    said = compare(change)
    assert (said.status, said.out) == (2, "")
    assert "other.json: " in said.err
    assert why in said.err


def test_what_a_report_names_adds_no_element_to_markdown(report: Make) -> None:
    read = report(a_result())
    read["target"]["command"] = [f"x\n\n{ELEMENT}"]
    read["requirements"][0]["statement"] = ELEMENT
    text = markdown([read])
    assert "<summary>WRK-03: &lt;img src=x onerror=alert(1)&gt;</summary>" in text
    assert not [line for line in text.splitlines() if line.startswith(ELEMENT)]
