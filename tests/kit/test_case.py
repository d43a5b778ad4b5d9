"""Cases as models of their files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.case import Step, bundled_cases, probes, read_cases, steps
from pytest_stdiobus.kit.errors import DataError

from .conftest import ASK, case

if TYPE_CHECKING:
    from pathlib import Path

DATA: dict[str, Any] = {
    "id": "worker/test/read",
    "title": "A case that was read",
    "requirements": ["WRK-03", "WRK-06"],
    "subject": "worker",
    "steps": [ASK, {"client": "kit", "next": {"id": 1}, "judges": "WRK-06", "as": "answer"}],
}


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "case.json"
    file.write_text(json.dumps({**DATA, **changes}), encoding="utf-8")
    return file


def test_a_step_judges_the_first_requirement_unless_it_says() -> None:
    asks, reads = steps(DATA["steps"], "WRK-03")
    assert asks == Step("client:kit", "send", ASK["send"], "WRK-03")
    assert reads == Step("client:kit", "next", {"id": 1}, "WRK-06", {"as": "answer"})
    assert [(step.acts, step.reads, step.judging) for step in (asks, reads)] == [
        (True, False, False),
        (False, True, True),
    ]


def test_a_file_without_vectors_is_one_case(tmp_path: Path) -> None:
    file = written(tmp_path)
    (only,) = read_cases(file)
    assert (only.id, only.requirements, only.file) == ("worker/test/read", ("WRK-03", "WRK-06"), str(file))


def test_vectors_are_cases_of_their_own(tmp_path: Path) -> None:
    found = list(read_cases(written(tmp_path, vectors=[{"name": "a", "x": 1}, {"name": "b", "x": 2}])))
    assert [(case.id, case.row["x"]) for case in found] == [("worker/test/read[a]", 1), ("worker/test/read[b]", 2)]


def test_two_vectors_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"case\.json: \$\.vectors: two of them have the same name"):
        list(read_cases(written(tmp_path, vectors=[{"name": "a"}, {"name": "a"}])))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"requirements": []}, r"\$\.requirements"),
        ({"requirements": ["WRK3"]}, r"\$\.requirements\[0\]"),
        ({"id": "Worker"}, r"\$\.id"),
        ({"surprise": 1}, "surprise"),
        ({"steps": [{"client": "kit", "signal": "BOOM"}]}, r"\$\.steps\[0\]\.signal"),
    ],
)
def test_a_bad_file_is_told_with_the_place(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        list(read_cases(written(tmp_path, **change)))


def test_the_probes_of_a_case_are_found_wherever_they_are_used() -> None:
    played = case(
        {"client": "kit", "send": {"$from": "probe/ok"}},
        {"client": "kit", "next": {"a": [{"$from": "probe/slow/params"}]}},
    )
    assert probes(played.steps, played) == {"ok", "slow"}


def test_the_bundled_cases_have_ids_of_their_own() -> None:
    names = [case.id for case in bundled_cases()]
    assert len(names) == len(set(names)) > 0
