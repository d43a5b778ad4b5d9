"""The commands that run nothing: list, explain, compare, baseline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit.catalogue import applies, catalogue

from .conftest import NOISY, ONE, Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Said]
    Worker = Callable[[str], tuple[str, str]]

QUIET = NOISY.replace('print("I am ready")', "pass")


def test_list_shows_every_requirement_of_the_profile(command: Command) -> None:
    said = command("list")
    assert [line.split()[0] for line in said.out.splitlines()] == [
        row.id for row in catalogue().values() if applies(row, "worker", "bus")
    ]
    assert said.status == 0


def test_a_reader_that_has_seen_enough_is_not_told_of_a_mistake() -> None:
    program = "import sys; from pytest_stdiobus.cli import main; sys.exit(main(['explain', 'WRK-01']))"
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as nobody:
        ended = subprocess.run(
            [sys.executable, "-c", program], check=False, stdout=nobody, stderr=subprocess.PIPE, timeout=60
        )
    assert (ended.stderr, ended.returncode) == (b"", 4)


def test_list_shows_the_requirements_of_kernels_too(command: Command) -> None:
    assert command("list", "--subject", "kernel").out.startswith("KRN-")


def test_list_shows_the_cases_that_an_expression_selects(command: Command) -> None:
    said = command("list", "--cases", "-k", f"{ONE} or sigterm-when-idle")
    assert [line.split()[0] for line in said.out.splitlines()] == [
        "worker/lifecycle/sigterm-when-idle",
        f"worker/requests/{ONE}",
    ]


@pytest.mark.parametrize("what", [[], ["--cases"]])
def test_list_tells_that_an_expression_selects_nothing(command: Command, what: list[str]) -> None:
    said = command("list", *what, "-k", "nosuchthing")
    assert said.status == 2
    assert said.err == (
        f"no {'case' if what else 'requirement'} of workers in the profile bus has an id with 'nosuchthing'; "
        "--subject and --profile choose others\n"
    )


@pytest.mark.parametrize("requirement", ["KRN-FRM-02", "SDK-ERR-01", "WRK-ACP-07"])
def test_the_command_that_explain_prints_lists_the_other_cases(command: Command, requirement: str) -> None:
    said = command("explain", requirement)
    number = said.out.partition("exercised by ")[2].partition(" ")[0]
    more = said.out.partition("more: ")[2].partition("\n")[0]
    assert len(command(*more.split()[1:]).out.splitlines()) == int(number)


@pytest.mark.parametrize("requirement", [row.id for row in catalogue().values() if row.subject == "worker"])
def test_explain_tells_rule_basis_reason_example_and_cases(command: Command, requirement: str) -> None:
    said = command("explain", requirement)
    row = catalogue()[requirement]
    flat = " ".join(said.out.split())
    assert said.status == 0, said.err
    for part in (row.id, row.statement, row.why, row.hint, row.source.document, *row.example):
        assert " ".join(part.split()) in flat, part
    assert "exercised by" in said.out


def test_explain_names_the_workers_that_break_a_rule_on_purpose(command: Command) -> None:
    assert "python -m pytest_stdiobus.workers.saboteur banner" in command("explain", "WRK-01").out


def test_explain_names_the_kernels_that_break_a_rule_on_purpose(command: Command) -> None:
    said = command("explain", "KRN-FRM-02").out
    assert "python -m pytest_stdiobus.workers.faulty_kernel --break answers_empty_lines" in said


def test_explain_names_what_is_near_an_unknown_id(command: Command) -> None:
    said = command("explain", "wrk-8")
    assert said.status == 2
    assert "'wrk-8' is not a requirement; near it: WRK-08" in said.err


@pytest.fixture
def reports(command: Command, worker: Worker) -> None:
    """noisy.json and quiet.json: of a worker before and after it was mended."""
    command("worker", "-k", ONE, "--report", "noisy.json", "--", *worker(NOISY))
    command("worker", "-k", ONE, "--report", "quiet.json", "--", *worker(QUIET))


@pytest.mark.usefixtures("reports")
def test_compare_ends_with_0_when_reports_say_the_same(command: Command) -> None:
    said = command("compare", "noisy.json", "noisy.json")
    assert said.status == 0
    assert "the same for 2 requirements" in said.out


@pytest.mark.usefixtures("reports")
def test_compare_refuses_reports_of_different_subjects(command: Command, tmp_path: Path) -> None:
    report = json.loads((tmp_path / "noisy.json").read_text(encoding="utf-8"))
    report["target"]["subject"] = "kernel"
    (tmp_path / "kernel.json").write_text(json.dumps(report), encoding="utf-8")
    said = command("compare", "noisy.json", "kernel.json")
    assert (said.status, said.out) == (2, "")
    assert said.err == "reports of one subject can be compared; these are of a kernel and of a worker\n"


@pytest.mark.usefixtures("reports")
def test_judge_says_that_a_report_is_one(command: Command) -> None:
    said = command("judge", "noisy.json")
    assert said.status == 2
    assert said.err.startswith("noisy.json is a report, and judge reads histories: ")


@pytest.mark.usefixtures("reports")
def test_compare_shows_what_differs(command: Command, tmp_path: Path) -> None:
    said = command("compare", "noisy.json", "quiet.json", *(f"--report=both.{kind}" for kind in ("html", "md", "json")))
    assert said.status == 1
    assert "WRK-01      [1] fails (1 of 1)  [2] not in it" in said.out
    assert json.loads((tmp_path / "both.json").read_text(encoding="utf-8"))["rows"][0]["differs"]
    assert "data-outcomes" in (tmp_path / "both.html").read_text(encoding="utf-8")
    assert "| WRK-01 | **fails** (1 of 1) |  |" in (tmp_path / "both.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("noisy.json",), "is alone: name two reports or more"),
        (("noisy.json", "gone.json"), "gone.json: cannot be read"),
        (("noisy.json", "agent.py"), "agent.py: is not JSON"),
        (("noisy.json", "quiet.json", "--report", "x.xml"), "expected a file ending in .json, .md, .html"),
    ],
)
def test_compare_ends_with_2_when_one_cannot_be_read(command: Command, words: tuple[str, ...], expected: str) -> None:
    said = command("compare", *words)
    assert said.status == 2
    assert expected in said.err


@pytest.mark.usefixtures("reports")
def test_update_adds_the_failures_of_a_report_and_the_run_then_passes(
    command: Command, worker: Worker, tmp_path: Path
) -> None:
    said = command(
        "baseline", "update", "known.json", "--from", "noisy.json", "--reason", "being repaired", "--ticket", "A-1"
    )
    assert said.out == "known.json: 1 added, 0 kept\n"
    assert json.loads((tmp_path / "known.json").read_text(encoding="utf-8")) == {
        "known_failures": [
            {"requirement": "WRK-01", "case": f"worker/requests/{ONE}", "reason": "being repaired", "ticket": "A-1"}
        ]
    }
    ran = command("worker", "-k", ONE, "--known-failures", "known.json", "--", *worker(NOISY))
    assert ran.status == 0
    assert "known WRK-01" in ran.out
    assert "known: being repaired (A-1)" in ran.out
    assert command("baseline", "update", "known.json", "--from", "noisy.json", "--reason", "x").out.startswith(
        "known.json: 0 added, 1 kept"
    )


@pytest.mark.usefixtures("reports")
def test_a_page_that_cannot_be_written_is_told_after_the_comparison(command: Command, tmp_path: Path) -> None:
    (tmp_path / "m.html").mkdir()
    said = command("compare", "noisy.json", "noisy.json", "--report", "m.html", "--report", "m.md")
    assert (said.status, said.err) == (4, "--report m.html: cannot be written: Is a directory\n")
    assert (tmp_path / "m.md").is_file()


@pytest.mark.usefixtures("reports")
def test_known_failures_that_cannot_be_written_are_told(command: Command, tmp_path: Path) -> None:
    where = "no-folder/known.json"
    said = command("baseline", "update", where, "--from", "noisy.json", "--reason", "x")
    assert (said.status, said.err) == (2, f"{where}: cannot be written: No such file or directory\n")
    assert not (tmp_path / "no-folder").exists()


@pytest.mark.usefixtures("reports")
def test_update_asks_for_a_reason(command: Command, tmp_path: Path) -> None:
    said = command("baseline", "update", "known.json", "--from", "noisy.json")
    assert said.status == 2
    assert said.err == "nothing was written: give --reason TEXT, why the failures are accepted for now\n"
    assert not (tmp_path / "known.json").exists()


@pytest.mark.usefixtures("reports")
def test_prune_takes_away_what_nothing_needs(command: Command, tmp_path: Path) -> None:
    entries = [
        {"requirement": "WRK-01", "reason": "needed"},
        {"requirement": "WRK-03", "reason": "mended"},
        {"requirement": "WRK-03", "reason": "of another", "target": "another"},
        {"requirement": "WRK-08", "reason": "nothing known"},
    ]
    (tmp_path / "known.json").write_text(json.dumps({"known_failures": entries}), encoding="utf-8")
    complete = json.loads((tmp_path / "noisy.json").read_text(encoding="utf-8"))
    complete["baseline"]["decided"] = True
    (tmp_path / "complete.json").write_text(json.dumps(complete), encoding="utf-8")
    assert (
        command("baseline", "prune", "known.json", "--from", "complete.json").out
        == "known.json: 1 taken away, 3 kept\n"
    )
    kept = json.loads((tmp_path / "known.json").read_text(encoding="utf-8"))["known_failures"]
    assert [entry["reason"] for entry in kept] == ["needed", "of another", "nothing known"]


@pytest.mark.usefixtures("reports")
def test_prune_refuses_a_report_of_a_selection(command: Command, tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text('{"known_failures": []}', encoding="utf-8")
    said = command("baseline", "prune", "known.json", "--from", "noisy.json")
    assert said.status == 2
    assert "is of a selection" in said.err
