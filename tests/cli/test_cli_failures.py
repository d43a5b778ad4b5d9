"""What failed is kept, judged again without a run, and replayed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_stdiobus.report import model

from .conftest import NOISY, ONE, Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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


def test_files_of_the_users_in_the_folder_stay(command: Command, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine.ndjson").write_text("mine", encoding="utf-8")
    command("worker", "-k", ONE, "--failures", "kept", "--", *worker(QUIET))
    assert (tmp_path / "kept" / "mine.ndjson").read_text(encoding="utf-8") == "mine"


def test_histories_of_several_targets_are_not_judged_together(command: Command, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps({"format": 1, "target": name}) + "\n", encoding="utf-8")
    said = command("judge", "one.ndjson", "two.ndjson")
    assert said.status == 2
    assert "several targets or profiles: one bus, two bus" in said.err
