"""Reports side by side: what differs is seen, also where only a case does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.baseline import Baseline, Known
from pytest_stdiobus.kit.case import Case
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.report.matrix import matrix
from pytest_stdiobus.report.matrix_json import as_json
from pytest_stdiobus.report.matrix_lines import lines

from .conftest import a_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.report.model import Report

    Make = Callable[..., Report]

RULE = "KRN-FRM-04"


def played(case: str, outcome: Outcome, transport: str = "", requirement: str = RULE) -> CaseResult:
    told = Case(f"kernel/test/{case}", "A case", (requirement,), "kernel", transport=transport)
    return CaseResult(told, (Finding(requirement, outcome, "seen"),), a_history())


@pytest.fixture
def kernel(report: Make) -> Make:
    def make(*results: CaseResult, name: str = "bus", **how: Any) -> Report:
        return report(*results, target=Target(name, ("bus",), subject="kernel"), **how)

    return make


def test_a_cell_counts_the_cases_and_names_the_transports_on_which_only_some_fail(kernel: Make) -> None:
    one = kernel(
        played("a[tcp]", Outcome.FAIL, "tcp"),
        played("a[unix]", Outcome.PASS, "unix"),
        played("b[unix]", Outcome.UNTESTABLE, "unix"),
    )
    (row,) = matrix([one, one])
    assert [str(cell) for cell in row.cells] == ["fails (1 of 2 on tcp, warning)"] * 2
    assert not row.differs


def test_a_failure_on_every_transport_names_none(kernel: Make) -> None:
    one = kernel(played("a[tcp]", Outcome.FAIL, "tcp"), played("a[unix]", Outcome.FLAKY, "unix"))
    assert str(matrix([one])[0].cells[0]) == "fails (2 of 2, warning)"


def test_reports_that_fail_in_other_cases_differ(kernel: Make) -> None:
    before = kernel(played("a", Outcome.FAIL), played("b", Outcome.PASS))
    after = kernel(played("a", Outcome.FAIL), played("b", Outcome.FAIL))
    (row,) = matrix([before, after])
    assert row.differs
    assert list(row.cases) == ["kernel/test/b"]


def test_a_case_that_only_one_report_decided_is_no_difference(kernel: Make) -> None:
    before = kernel(played("a", Outcome.FAIL), played("b", Outcome.UNTESTABLE))
    after = kernel(played("a", Outcome.FAIL), played("b", Outcome.PASS))
    assert not matrix([before, after])[0].differs


def test_a_failure_that_is_known_to_one_report_only_is_a_difference(kernel: Make) -> None:
    known = kernel(played("a", Outcome.FAIL), baseline=Baseline((Known("being repaired", RULE),)))
    (row,) = matrix([kernel(played("a", Outcome.FAIL)), known])
    assert row.differs
    assert [str(cell) for cell in row.cells] == ["fails (1 of 1, warning)", "fails (1 of 1, known)"]


def test_a_requirement_that_a_report_does_not_have_is_an_empty_cell(kernel: Make) -> None:
    rows = matrix([kernel(played("a", Outcome.PASS)), kernel(played("b", Outcome.PASS, requirement="KRN-FRM-01"))])
    assert [(row.id, [cell is None for cell in row.cells]) for row in rows] == [
        (RULE, [False, True]),
        ("KRN-FRM-01", [True, False]),
    ]


def test_the_terminal_shows_what_differs_and_in_which_cases(kernel: Make) -> None:
    many = [played(f"c{number}", Outcome.PASS) for number in range(5)]
    broken = [played(f"c{number}", Outcome.FAIL) for number in range(5)]
    said = list(lines([kernel(*many), kernel(*broken), kernel(*many)]))
    assert said[0].startswith(
        "KRN-FRM-04  [1] passes  [2] fails (5 of 5, warning)  [3] passes  (must) After a client line"
    )
    assert said[1].strip() == "in kernel/test/c0, kernel/test/c1, kernel/test/c2 and 2 more"
    assert said[2:] == ["1 of 1 requirements differ"]


def test_the_terminal_says_when_nothing_differs(kernel: Make) -> None:
    one = kernel(played("a", Outcome.PASS))
    assert list(lines([one, one, one])) == ["the same for 1 requirements"]


def test_a_program_reads_the_same(kernel: Make) -> None:
    reports = [
        kernel(played("a[tcp]", Outcome.FAIL, "tcp")),
        kernel(played("b[tcp]", Outcome.PASS, "tcp"), name="other"),
    ]
    value = as_json(reports)
    assert schemas.faults(value, schemas.schema("matrix")) == []
    assert [column["target"] for column in value["reports"]] == ["bus", "other"]
    (row,) = value["rows"]
    assert row["differs"]
    assert [cell and (cell["outcome"], cell["broken"], cell["ways"]) for cell in row["cells"]] == [
        ("fail", 1, {"tcp": "fail"}),
        ("pass", 0, {"tcp": "pass"}),
    ]
