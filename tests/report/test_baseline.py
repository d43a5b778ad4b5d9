"""Known failures are expected; entries that nothing needs, or whose day has passed, are told."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit.baseline import Baseline, Known, concerning, read
from pytest_stdiobus.kit.errors import DataError
from pytest_stdiobus.kit.result import UNDECIDED, Outcome
from pytest_stdiobus.kit.verdict import Rules

from .conftest import a_result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.report.model import Report

    Make = Callable[..., Report]

TODAY = dt.date(2026, 1, 5)
VARIANT = "worker/test/one[blank]"


@pytest.mark.parametrize(
    "entry",
    [
        Known("r", requirement="WRK-03"),
        Known("r", case=VARIANT),
        Known("r", case="worker/test/one"),
        Known("r", requirement="WRK-03", case=VARIANT),
    ],
    ids=["requirement", "variant", "case", "both"],
)
def test_a_failure_that_an_entry_names_is_expected(report: Make, entry: Known) -> None:
    made = report(a_result(case=VARIANT), baseline=Baseline((entry,)))
    assert made["verdict"] == {"word": "partial", "reasons": ["known failure: WRK-03"], "exit": 0}
    assert made["requirements"][0]["known"]
    assert made["failures"][0]["known"] == "r"


@pytest.mark.parametrize(
    "entry",
    [
        Known("r", requirement="WRK-01"),
        Known("r", case="worker/test/one[other]"),
        Known("r", case="worker/test"),
        Known("r", requirement="WRK-01", case=VARIANT),
    ],
    ids=["requirement", "variant", "folder", "both"],
)
def test_a_failure_that_no_entry_names_counts(report: Make, entry: Known) -> None:
    made = report(a_result(case=VARIANT), baseline=Baseline((entry,)))
    assert made["verdict"]["exit"] == 1
    assert not made["requirements"][0]["known"]


def test_one_unknown_failure_of_a_requirement_makes_it_fail(report: Make) -> None:
    known = Baseline((Known("r", case="worker/test/one"),))
    made = report(a_result(), a_result(case="worker/test/two"), baseline=known)
    assert made["verdict"]["reasons"] == ["contradicts a public rule: WRK-03"]
    assert [(found["case"], found["known"]) for found in made["requirements"][0]["findings"]] == [
        ("worker/test/one", "r"),
        ("worker/test/two", ""),
    ]


def test_an_entry_that_nothing_needed_fails_a_complete_run(report: Make) -> None:
    known = Baseline((Known("was slow", requirement="WRK-03"),))
    made = report(a_result(Outcome.PASS), rules=Rules(), baseline=known)
    assert made["baseline"] == {"used": 0, "stale": ["WRK-03: was slow"], "expired": [], "decided": True}
    assert "stale known failure: WRK-03: was slow" in made["verdict"]["reasons"]
    assert made["verdict"]["exit"] == 1


@pytest.mark.parametrize(
    "entry", [Known("r", "WRK-03"), Known("r", case="worker/test/one"), Known("r", "WRK-01", VARIANT)]
)
@pytest.mark.parametrize("outcome", sorted(UNDECIDED | {Outcome.NOT_APPLICABLE}))
def test_an_entry_about_which_nothing_was_decided_is_not_stale(report: Make, entry: Known, outcome: Outcome) -> None:
    made = report(a_result(outcome, case=VARIANT), rules=Rules(), baseline=Baseline((entry,)))
    assert made["baseline"] == {"used": 0, "stale": [], "expired": [], "decided": True}
    assert made["verdict"]["exit"] == (4 if outcome is Outcome.HARNESS_ERROR else 3)


def test_an_entry_is_not_stale_while_the_kit_failed_in_one_of_the_cases_it_names(report: Make) -> None:
    results = a_result(Outcome.PASS), a_result(Outcome.HARNESS_ERROR, "WRK-01", "worker/test/two")
    assert report(*results, rules=Rules(), baseline=Baseline((Known("r", "WRK-03"),)))["baseline"]["stale"] == []


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL])
def test_an_entry_about_an_invariant_is_stale_where_its_case_was_played_and_does_not_break_it(
    report: Make, outcome: Outcome
) -> None:
    made = report(a_result(outcome), rules=Rules(), baseline=Baseline((Known("r", "WRK-01", "worker/test/one"),)))
    assert made["baseline"]["stale"] == ["WRK-01 in worker/test/one: r"]


def test_in_a_selection_nothing_is_called_stale(report: Make) -> None:
    made = report(a_result(Outcome.PASS), baseline=Baseline((Known("r", requirement="WRK-03"),)))
    assert made["baseline"] == {"used": 0, "stale": [], "expired": [], "decided": False}
    assert made["verdict"]["exit"] == 0


def test_an_expired_entry_excuses_nothing_and_fails_the_run(report: Make) -> None:
    entry = Known("r", requirement="WRK-03", expires=TODAY - dt.timedelta(days=1))
    made = report(a_result(Outcome.PASS), baseline=concerning([entry], "agent", TODAY))
    assert made["verdict"]["reasons"] == ["expired known failure: WRK-03: r (until 2026-01-04)"]
    assert made["verdict"]["exit"] == 1
    failed = report(a_result(), baseline=concerning([entry], "agent", TODAY))
    assert not failed["requirements"][0]["known"]


def test_an_entry_is_accepted_on_its_last_day() -> None:
    assert concerning([Known("r", requirement="WRK-03", expires=TODAY)], "agent", TODAY).expired == ()


def test_an_entry_of_another_target_is_left_alone() -> None:
    assert concerning([Known("r", requirement="WRK-03", target="other")], "agent", TODAY) == Baseline()


def test_a_file_is_read_with_all_its_members(tmp_path: Path) -> None:
    data = {
        "requirement": "WRK-03",
        "case": "c",
        "reason": "r",
        "ticket": "T-1",
        "expires": "2027-01-31",
        "target": "agent",
    }
    (tmp_path / "known.json").write_text(json.dumps({"known_failures": [data]}), encoding="utf-8")
    (entry,) = read(tmp_path / "known.json", "agent", TODAY).entries
    assert entry == Known("r", "WRK-03", "c", "T-1", dt.date(2027, 1, 31), "agent")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"requirement": "WRK-03"}, r"\$\.known_failures\[0\]: 'reason' is a required property"),
        ({"reason": "r"}, r"\$\.known_failures\[0\]"),
        ({"requirement": "WRK-03", "reason": ""}, r"\$\.known_failures\[0\]\.reason"),
        ({"requirement": "WRK-03", "reason": "r", "expires": "2026-13-01"}, r"\$\.known_failures\[0\]\.expires"),
        ({"requirement": "WRK-03", "reason": "r", "expire": "x"}, "'expire' was unexpected"),
        ({"requirement": "WRK-99", "reason": "r"}, r"\[0\]\.requirement: 'WRK-99' is not a requirement"),
    ],
)
def test_a_file_that_is_not_valid_is_refused(tmp_path: Path, entry: dict[str, str], fault: str) -> None:
    (tmp_path / "known.json").write_text(json.dumps({"known_failures": [entry]}), encoding="utf-8")
    with pytest.raises(DataError, match=fault):
        read(tmp_path / "known.json", "agent", TODAY)
