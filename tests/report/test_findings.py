"""The pages of findings say what the reports say, what they may say, and nothing to which nobody has put a word."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.case import Case
from pytest_stdiobus.kit.catalogue import Source
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.target import Target

from .conftest import a_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.report import model

    Make = Callable[..., model.Report]

FOLDER = Path(__file__).resolve().parents[2] / "conformance" / "findings"
TOLD: dict[str, Any] = {
    "title": "Kernels",
    "said": "Said of this page.",
    "built_by": "subjects",
    "judge": ["kernel"],
    "targets": {"bus": {"what": "A kernel.", "words": ["--binary", "bus"], "why": {}}},
}
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the generator is in the sources only")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return runpy.run_path(str(FOLDER / "findings_page.py"))


def a_result(requirement: str, *outcomes: tuple[str, Outcome]) -> list[CaseResult]:
    return [
        CaseResult(
            Case(f"kernel/test/{case}", "A case", (requirement,), "kernel"),
            (Finding(requirement, outcome, "" if outcome is Outcome.PASS else "seen on the wire"),),
            a_history(),
        )
        for case, outcome in outcomes
    ]


def a_page(pages: dict[str, Any], made: model.Report, **why: str) -> str:
    told = {**TOLD, "targets": {"bus": {**TOLD["targets"]["bus"], "why": why}}}
    return str(pages["page"]("kernel", told, {"bus": made}, {"bus": "PyPI bus 1.0"}))


def a_kernel(report: Make, *results: CaseResult, **how: Any) -> model.Report:
    return report(*results, target=Target("bus", (sys.executable,), subject="kernel"), **how)


def test_a_public_rule_is_failed_and_linked_and_a_choice_of_the_kit_differs(
    pages: dict[str, Any], report: Make
) -> None:
    results = a_result("KRN-RTE-01", ("one[tcp]", Outcome.FAIL)) + a_result("KRN-FRM-04", ("two[tcp]", Outcome.FAIL))
    page = a_page(pages, a_kernel(report, *results), **{"KRN-RTE-01": "Word one.", "KRN-FRM-04": "Word two."})
    assert (
        "- **fail** KRN-RTE-01 (must; [stdio Bus, README, Key Features (session affinity)](https://github.com/" in page
    )
    assert "- **differs** KRN-FRM-04 (must; pytest-stdiobus, choice of this kit" in page
    assert "| [bus](#bus) | PyPI bus 1.0 | 0 | 1 | 0 | 1 | 0 | 0 |" in page
    assert "Word one." in page
    assert "Word two." in page


def test_a_rule_whose_document_cannot_be_shown_differs(
    pages: dict[str, Any], report: Make, rewrite: Callable[..., None]
) -> None:
    rewrite("KRN-RTE-01", source=Source("notes"))
    page = a_page(pages, a_kernel(report, *a_result("KRN-RTE-01", ("one", Outcome.FAIL))), **{"KRN-RTE-01": "Word."})
    assert "- **differs** KRN-RTE-01 (must; notes)" in page


def test_the_page_counts_the_cases_and_names_the_transports(pages: dict[str, Any], report: Make) -> None:
    results = a_result(
        "KRN-FRM-04",
        ("one[spaces-stdio]", Outcome.PASS),
        ("one[spaces-unix]", Outcome.FAIL),
        ("one[tcp]", Outcome.FLAKY),
        ("one[bom-unix]", Outcome.UNTESTABLE),
    )
    page = a_page(pages, a_kernel(report, *results), **{"KRN-FRM-04": "Word."})
    assert (
        "Seen in 2 of 3 cases (unix, tcp), 1 of them not in every repeat, as in `kernel/test/one[spaces-unix]`: "
        "`seen on the wire`" in page
    )


def test_what_is_kept_is_listed_and_every_row_stands_in_the_matrix(pages: dict[str, Any], report: Make) -> None:
    results = a_result("KRN-RTE-01", ("one", Outcome.PASS)) + a_result("KRN-FRM-04", ("two", Outcome.UNTESTABLE))
    page = a_page(pages, a_kernel(report, *results))
    assert "Keeps 1 of 2: KRN-RTE-01." in page
    assert "| KRN-RTE-01 | keeps | The same top-level sessionId" in page
    assert "| KRN-FRM-04 | untestable | After a client line" in page


def test_how_somebody_elses_kernel_can_be_attacked_stays_local(pages: dict[str, Any], report: Make) -> None:
    made = a_kernel(report, *a_result("KRN-FRM-03", ("one", Outcome.FAIL)), foreign=True)
    page = a_page(pages, made, **{"KRN-FRM-03": "Class: denial of service."})
    assert ", security** KRN-FRM-03" in page
    assert "Class: denial of service." in page
    assert "seen on the wire" not in page


def test_what_makes_somebody_elses_kernel_crash_stays_local_too(pages: dict[str, Any], report: Make) -> None:
    def ended(case: str, why: str) -> CaseResult:
        return CaseResult(
            Case(f"kernel/{case}", "A case", ("KRN-FRM-04",), "kernel"),
            (Finding("KRN-FRM-04", Outcome.FAIL, why),),
            a_history(),
        )

    crashed = ended("framing/one", "expected an answer, but it has been ended by SIGSEGV")
    told = ended("framing/two", "after SIGTERM it ended by SIGSEGV")
    word = {"KRN-FRM-04": "Word."}
    assert "kept local" in a_page(pages, a_kernel(report, crashed, foreign=True), **word)
    assert "as in `kernel/framing/two`" in a_page(pages, a_kernel(report, crashed, told, foreign=True), **word)
    assert "as in `kernel/framing/one`" in a_page(pages, a_kernel(report, crashed), **word)


@pytest.mark.parametrize(("outcome", "here"), [(Outcome.PASS, "kept"), (Outcome.UNTESTABLE, "untestable")])
def test_what_failed_in_another_run_is_told(pages: dict[str, Any], report: Make, outcome: Outcome, here: str) -> None:
    page = a_page(pages, a_kernel(report, *a_result("KRN-FRM-04", ("one", outcome))), **{"KRN-FRM-04": "A word."})
    assert f"- **not in every run** KRN-FRM-04: {here} here, and failed in another run. A word." in page


def test_a_failure_without_a_word_is_named(pages: dict[str, Any], report: Make) -> None:
    made = a_kernel(report, *a_result("KRN-FRM-04", ("one", Outcome.FAIL)))
    assert list(pages["unexplained"](TOLD, {"bus": made})) == ["bus KRN-FRM-04: seen on the wire"]


@pytest.mark.parametrize("file", sorted((FOLDER / "pages").glob("*.json")), ids=lambda file: file.stem)
def test_every_page_names_the_commands_that_repeat_it_and_all_words(file: Path) -> None:
    told = json.loads(file.read_text(encoding="utf-8"))
    page = (FOLDER.parents[1] / "docs" / "findings" / f"{file.stem}.md").read_text(encoding="utf-8")
    generator = runpy.run_path(str(FOLDER / "findings_page.py"))
    for target, about in told["targets"].items():
        assert f"Again: `{' '.join(generator['command'](file.stem, told, target))}`" in page
        assert [why for why in about["why"].values() if why not in page] == []


def test_a_promise_of_another_program_is_no_rule_for_this_one(pages: dict[str, Any], report: Make) -> None:
    made = a_kernel(report, *a_result("KRN-RTE-01", ("one", Outcome.FAIL)))
    page = pages["page"]
    for about, verdict in (({}, "fail"), ({"not_promised": "https://github.com/stdiobus/"}, "differs")):
        told = {**TOLD, "targets": {"bus": {**TOLD["targets"]["bus"], **about, "why": {"KRN-RTE-01": "Word."}}}}
        bound = pages["bound"](told["targets"]["bus"], made)
        assert f"- **{verdict}** KRN-RTE-01" in page("kernel", told, {"bus": bound}, {"bus": "1"})


def test_the_page_says_how_what_it_judges_is_built_and_its_targets_are_makes(
    pages: dict[str, Any], report: Make
) -> None:
    page = a_page(pages, a_kernel(report, *a_result("KRN-RTE-01", ("one", Outcome.PASS))))
    assert "What the commands below name is built by `make subjects`." in page
    makefile = (FOLDER.parents[1] / "Makefile").read_text(encoding="utf-8")
    told = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((FOLDER / "pages").iterdir())]
    assert [page["built_by"] for page in told if f"\n{page['built_by']}:" not in makefile] == []


def test_a_rule_is_told_in_the_words_of_today(
    pages: dict[str, Any], report: Make, rewrite: Callable[..., None]
) -> None:
    made = a_kernel(report, *a_result("KRN-RTE-01", ("one", Outcome.PASS)))
    rewrite("KRN-RTE-01", statement="A rule in other words.")
    assert "| KRN-RTE-01 | keeps | A rule in other words. |" in a_page(pages, pages["bound"]({}, made))


def test_a_source_that_is_shown_no_more_counts_no_more(
    pages: dict[str, Any], report: Make, rewrite: Callable[..., None]
) -> None:
    made = a_kernel(report, *a_result("KRN-RTE-01", ("one", Outcome.FAIL)))
    rewrite("KRN-RTE-01", source=Source("notes"))
    assert "- **differs** KRN-RTE-01 (must; notes)" in a_page(
        pages, pages["bound"]({}, made), **{"KRN-RTE-01": "Word."}
    )


def test_the_report_is_asked_for_before_the_command_of_an_adapter(pages: dict[str, Any]) -> None:
    told = {"judge": ["sdk"], "targets": {"client": {"words": ["--backend", "native", "--", "node", "adapter.js"]}}}
    words = pages["command"]("sdk", told, "client")
    assert words[-4:] == [str(pages["report_file"]("sdk", "client")), "--", "node", "adapter.js"]


def test_the_version_of_a_crate_is_that_which_its_adapter_is_built_with(pages: dict[str, Any]) -> None:
    assert pages["installed"]({"crate": "stdiobus"}, FOLDER.parents[1]) == "crates.io stdiobus 1.1.1"
