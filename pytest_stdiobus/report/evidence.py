"""What a failure looked like, and how to see it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.target import WORKER
from pytest_stdiobus.report.masking import Mask, printable
from pytest_stdiobus.report.transcript import stderr, transcript

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.baseline import Baseline
    from pytest_stdiobus.kit.result import CaseResult, Finding
    from pytest_stdiobus.report.model import FailurePart
    from pytest_stdiobus.report.run import Run


WITHHELD = "kept local: the case shows a breach of security of somebody else's program"


@dataclass(frozen=True)
class Veil:
    """What must not be shown of a run: secrets, and how somebody else's program can be attacked."""

    mask: Mask
    cases: frozenset[str]

    def told(self, case: str, text: str) -> str:
        """What may be shown of an explanation."""
        return WITHHELD if text and case in self.cases else printable(self.mask.text(text))


def veil(results: Sequence[CaseResult], run: Run) -> Veil:
    """What the results of a run must not show."""
    rows = catalogue()
    breached = (
        result.case.id for result in results if any(rows[found.requirement].security for found in result.failures)
    )
    return Veil(Mask(run.target.env), frozenset(breached) if run.foreign else frozenset())


def failure(result: CaseResult, finding: Finding, run: Run, veil: Veil) -> FailurePart:
    """Everything a reader needs to believe a failure; of a breach of security of somebody else's, only that there is one."""
    mask = veil.mask
    history = result.history if result.case.id not in veil.cases else None
    entries, cut = transcript(history, run.target.subject, finding.events, mask) if history else ([], 0)
    return {
        "requirement": finding.requirement,
        "case": result.case.id,
        "title": result.case.title,
        "outcome": finding.outcome.value,
        "explanation": veil.told(result.case.id, finding.explanation),
        "known": known(result.case.id, finding, run.baseline),
        "transcript": entries,
        "cut": cut,
        "stderr": stderr(history, mask) if history else [],
        "again": _again(result, run, mask),
    }


def known(case: str, finding: Finding, baseline: Baseline) -> str:
    """Why a failure was expected, or nothing."""
    entry = baseline.entry(case, finding)
    return " ".join(filter(None, (entry.reason, entry.ticket and f"({entry.ticket})"))) if entry else ""


def _again(result: CaseResult, run: Run, mask: Mask) -> str:
    profile = ["--profile", run.options.profile] if run.target.subject == WORKER else []
    words = ["stdiobus-conformance", run.target.subject, *profile, "-k", result.case.id]
    words += mask.command(run.words)
    if result.history is not None and "through" in result.history.head:
        words.append("--through-bus")
    if result.history is not None and "case_file" in result.history.head:
        words += ["--cases", result.history.head["case_file"]]
    if run.options.seed:
        words += ["--seed", str(run.options.seed)]
    if run.options.time_scale != 1:
        words += ["--time-scale", str(run.options.time_scale)]
    own = {"--kernel": run.options.kernel, "--image": run.options.image}
    words += mask.command([word for option, value in own.items() if value for word in (option, value)])
    if run.rules.strict:
        words.append("--strict")
    if run.target.library:
        words += ["--library", run.target.library]
    else:
        words += ["--target", run.file] if run.file else ["--", *mask.command(run.target.command)]
    return shlex.join(words)
