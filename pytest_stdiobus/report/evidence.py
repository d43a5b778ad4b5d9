"""What a failure looked like, and how to see it again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import verdict as judging
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.run import WORKER
from pytest_stdiobus.report.masking import Mask, printable
from pytest_stdiobus.report.transcript import stderr, transcript

if TYPE_CHECKING:
    from pytest_stdiobus.kit.baseline import Baseline
    from pytest_stdiobus.kit.result import CaseResult, Finding
    from pytest_stdiobus.report.model import FailurePart
    from pytest_stdiobus.report.run import Run


def failure(result: CaseResult, finding: Finding, run: Run, mask: Mask) -> FailurePart:
    """Everything a reader needs to believe a failure; of a breach of security of somebody else's, only that there is one."""
    withheld = run.foreign and catalogue()[finding.requirement].security
    history = result.history if not withheld else None
    entries, cut = transcript(history, run.target.subject, finding.events, mask) if history else ([], 0)
    return {
        "requirement": finding.requirement,
        "case": result.case.id,
        "title": result.case.title,
        "outcome": finding.outcome.value,
        "explanation": "" if withheld else told(finding.explanation, mask),
        "known": known(result.case.id, finding, run.baseline),
        "transcript": entries,
        "cut": cut,
        "stderr": stderr(history, mask) if history else [],
        "again": _again(result, run, mask),
    }


def known(case: str, finding: Finding, baseline: Baseline) -> str:
    """Why a failure was expected, or nothing."""
    entry = baseline.entry(case, finding) if finding.outcome in judging.BROKEN else None
    return " ".join(filter(None, (entry.reason, entry.ticket and f"({entry.ticket})"))) if entry else ""


def _again(result: CaseResult, run: Run, mask: Mask) -> str:
    profile = ["--profile", run.options.profile] if run.target.subject == WORKER else []
    words = ["stdiobus-conformance", run.target.subject, *profile, "-k", result.case.id]
    words += mask.command(run.words)
    if result.history is not None and "through" in result.history.head:
        words.append("--through-bus")
    if run.options.time_scale != 1:
        words += ["--time-scale", str(run.options.time_scale)]
    words += ["--target", run.file] if run.file else ["--", *mask.command(run.target.command)]
    return shlex.join(words)


def told(text: str, mask: Mask) -> str:
    """Text that may be shown."""
    return printable(mask.text(text))
