"""What every face says in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit import result

if TYPE_CHECKING:
    from pytest_stdiobus.report.model import FailurePart, Report, RequirementPart

BROKEN = frozenset(outcome.value for outcome in result.BROKEN)
DECIDED = frozenset(outcome.value for outcome in result.DECIDED)
NOT_PLAYED = frozenset(outcome.value for outcome in result.NOT_PLAYED)
SILENT = frozenset(outcome.value for outcome in result.SILENT)
LEVEL = {"M": "must", "S": "should", "Y": "may"}
OUTCOME = {
    "fail": "fails",
    "flaky": "flaky",
    "harness_error": "the kit failed",
    "untestable": "untestable",
    "pass": "passes",
    "not_observed": "not observed",
    "skipped": "skipped",
    "not_applicable": "not applicable",
}
FOREIGN = "This is not the project's own test-suite."


def rule(row: RequirementPart) -> str:
    """On what a requirement rests."""
    return "our choice, no public rule" if row["basis"] == "kit" else row["source"]["document"]


def weight(row: RequirementPart) -> str:
    """What the outcome of a requirement means: its effect where it failed, else nothing."""
    return row["effect"] if row["outcome"] in BROKEN else ""


def why(row: RequirementPart) -> str:
    """Why a requirement came to its outcome, and how many cases it passed where others leave it open."""
    passed = sum(finding["outcome"] == "pass" for finding in row["findings"])
    if row["outcome"] in DECIDED or not passed:
        return row["reason"]
    undecided = sum(finding["outcome"] == row["outcome"] for finding in row["findings"])
    told = f"it passed in {passed}, but {undecided} of its cases left it open"
    return f"{row['reason']} ({told})"


def of_requirement(report: Report, requirement: str) -> list[FailurePart]:
    """The failures of a requirement, those that nobody expected first."""
    found = [failure for failure in report["failures"] if failure["requirement"] == requirement]
    return sorted(found, key=lambda failure: bool(failure["known"]))


def group(case: str) -> str:
    """The group of a case: the second part of its id."""
    return case.split("/")[1] if "/" in case else case


def groups(report: Report) -> dict[str, tuple[int, int]]:
    """For each group of cases how many passed, and how many were played."""
    found: dict[str, tuple[int, int]] = {}
    for case in report["cases"]:
        if case["outcome"] not in NOT_PLAYED:
            passed, played = found.get(group(case["id"]), (0, 0))
            found[group(case["id"])] = (passed + (case["outcome"] == "pass"), played + 1)
    return found


def on_the_bus(report: Report) -> str:
    """How the target does behind a bus, and who is at fault; empty where that was not asked."""
    if (bus := report["bus"]) is None:
        return ""
    told = ", ".join(f"{name} {blame}" for name, blame in bus["blame"].items())
    return f"{bus['how']} ({bus['passed']}/{bus['played']} cases)" + (f"; at fault: {told}" if told else "")
