"""What failed is kept, judged again without a run, and replayed."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.report import model
from pytest_stdiobus.report.failures import MARKER
from pytest_stdiobus.report.words import FOREIGN

from .conftest import NOISY, ONE, Said

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Said]
    Worker = Callable[[str], tuple[str, str]]

KEPT = ".stdiobus/failures/worker.requests.id-comes-back@one.ndjson"
QUIET = NOISY.replace('print("I am ready")', "pass")


def test_a_kept_history_gives_the_verdict_of_its_run(command: Command, worker: Worker, tmp_path: Path) -> None:
    ran = command("worker", "-k", ONE, "--report", "ran.json", "--", *worker(NOISY))
    judged = command("judge", KEPT, "--report", "judged.json")
    assert judged.status == ran.status == 1
    reports = [model.read(tmp_path / name) for name in ("ran.json", "judged.json")]
    assert reports[0]["requirements"] == reports[1]["requirements"]
    assert reports[0]["failures"][0]["transcript"] == reports[1]["failures"][0]["transcript"]


def test_a_failure_is_replayed_by_the_name_that_the_report_gives(command: Command, worker: Worker) -> None:
    command("worker", "-k", ONE, "--", *worker(NOISY))
    for name in (f"WRK-01/{ONE}", f"worker/requests/{ONE}", KEPT):
        assert command("replay", name).status == 1, name


def test_what_only_a_strict_run_fails_fails_again_by_the_commands_it_prints(
    command: Command, worker: Worker, tmp_path: Path
) -> None:
    said = command(
        "worker", "-k", "unasked-response-is-ignored[result]", "--strict", "--report", "ran.json", "--", *worker(QUIET)
    )
    (printed,) = {line.partition("again: ")[2] for line in said.out.splitlines() if "again: " in line}
    reported = model.read(tmp_path / "ran.json")["failures"][0]["again"]
    for again in (printed, reported):
        assert command(*shlex.split(again)[1:]).status == said.status == 1, again


def test_a_failure_that_was_mended_passes_when_it_is_replayed(command: Command, worker: Worker) -> None:
    command("worker", "-k", ONE, "--", *worker(NOISY))
    worker(QUIET)
    assert command("replay", f"WRK-01/{ONE}").status == 0


def test_a_run_without_failure_leaves_nothing_of_the_run_before(
    command: Command, worker: Worker, tmp_path: Path
) -> None:
    command("worker", "-k", ONE, "--", *worker(NOISY))
    assert (tmp_path / KEPT).is_file()
    command("worker", "-k", ONE, "--", *worker(QUIET))
    assert not (tmp_path / KEPT).exists()


def test_what_is_kept_is_for_its_user_alone(command: Command, worker: Worker, tmp_path: Path) -> None:
    command("worker", "-k", ONE, "--", *worker(NOISY))
    folder = (tmp_path / KEPT).parent
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert [file.stat().st_mode & 0o077 for file in (tmp_path / KEPT, folder / "target.json")] == [0, 0]


def test_the_files_of_long_lines_are_for_their_user_alone_too(
    command: Command, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "chmod", lambda *_: None)  # nobody may read them for a moment either
    command("worker", "-k", ONE, "--", *worker(NOISY.replace('"I am ready"', '"x" * 70_000')))
    kept = list((tmp_path / KEPT).parent.glob("*"))
    assert any(file.suffix == ".bin" for file in kept)
    assert {file.name for file in kept if file.stat().st_mode & 0o077} <= {".gitignore", MARKER}


def test_a_breach_of_security_of_somebody_elses_stays_local_when_it_is_judged_or_played_again(
    command: Command, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(catalogue(), "WRK-01", replace(catalogue()["WRK-01"], security=True))
    ran = command("worker", "--foreign", "-k", ONE, "--", *worker(NOISY))
    for said in (ran, command("judge", KEPT), command("replay", KEPT)):
        assert said.status == 1
        assert FOREIGN in said.out
        assert "I am ready" not in said.out


@pytest.mark.parametrize("where", ["mine", "mine/", ".", "../{0}/mine"], ids=["name", "slash", "dot", "up"])
def test_a_folder_of_the_users_is_refused_before_the_run(
    command: Command, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    program = worker(NOISY)
    (tmp_path / "mine").mkdir()
    mine = {name: f"{name} of mine" for name in ("target.json", "session.ndjson", "firmware.bin", ".gitignore")}
    for name, content in mine.items():
        (tmp_path / "mine" / name).write_text(content, encoding="utf-8")
    if where == ".":
        monkeypatch.chdir(tmp_path / "mine")
    said = command("worker", "-k", ONE, "--failures", where.format(tmp_path.name), "--", *program)
    assert (said.status, said.out) == (2, "")
    assert "it holds files that the kit has not written; a new or an empty folder" in said.err
    assert {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "mine").iterdir()} == mine


def test_a_file_is_no_folder_for_failures(command: Command, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    said = command("worker", "-k", ONE, "--failures", "mine", "--", *worker(NOISY))
    assert said.status == 2
    assert "failures cannot be kept in mine: Not a directory" in said.err


def test_an_empty_folder_takes_the_failures_of_one_run_after_another(
    command: Command, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = worker(NOISY)
    (tmp_path / "kept").mkdir()
    monkeypatch.chdir(tmp_path / "kept")
    for _ in range(2):
        assert command("worker", "-k", ONE, "--failures", ".", "--", *program).status == 1
        assert [file.name for file in (tmp_path / "kept").glob("*.ndjson")] == [Path(KEPT).name]


def test_a_verdict_is_told_also_where_the_failures_cannot_be_kept(
    command: Command, worker: Worker, tmp_path: Path
) -> None:
    kept = (tmp_path / KEPT).parent
    (kept / "target.json").mkdir(parents=True)
    (kept / MARKER).touch()
    said = command("worker", "-k", ONE, "--report", "r.json", "--", *worker(NOISY))
    assert said.status == 1
    assert "FAIL WRK-01" in said.out
    assert said.err.endswith("failures cannot be kept in .stdiobus/failures: Is a directory\n")
    assert model.read(tmp_path / "r.json")["verdict"]["exit"] == 1


def test_histories_of_several_targets_are_not_judged_together(command: Command, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps({"format": 1, "target": name}) + "\n", encoding="utf-8")
    said = command("judge", "one.ndjson", "two.ndjson")
    assert said.status == 2
    assert "several targets or profiles: one bus, two bus" in said.err
