"""What several runs say together: of one case repeated, and of one case with and without an SDK's own kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import SCRIPTED
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.kit.case import Case

WITH_ITS_KERNEL = "sdk with its kernel: with a kernel of the kit in its place this passes"
ALONE = "the sdk alone: it fails with a kernel of the kit in place of its own, too"


def steady(result: CaseResult, runs: Sequence[CaseResult]) -> CaseResult:
    """A result among those of other runs; flaky where one run failed what another did not."""
    return replace(result, findings=tuple(_steady(result, runs)))


def without_its_kernel(case: Case) -> Case | None:
    """The same case of an SDK with a kernel of the kit in place of its own; None where there is none."""
    if not case.transport or case.has_stand_in or SCRIPTED not in case.transports:
        return None
    return replace(case, id=f"{case.id.removesuffix(f'{case.transport}]')}{SCRIPTED}]", transport=SCRIPTED)


def attributed(result: CaseResult, alone: CaseResult) -> CaseResult:
    """A failure behind the SDK's own kernel, with whose it is: the same case without that kernel tells."""
    fails_too = {finding.requirement for finding in alone.failures}
    failures = {}
    for finding in result.failures:
        whose = ALONE if finding.requirement in fails_too else WITH_ITS_KERNEL
        if finding.requirement in fails_too or alone.outcome is Outcome.PASS:
            failures[finding] = replace(finding, explanation=f"{finding.explanation} ({whose})")
    return replace(result, findings=tuple(failures.get(finding, finding) for finding in result.findings))


def _steady(result: CaseResult, runs: Sequence[CaseResult]) -> Iterator[Finding]:
    for finding in result.findings:
        outcomes = [_outcome(run, finding.requirement) for run in runs]
        if {Outcome.FAIL, Outcome.PASS} <= set(outcomes):
            why = f"it failed in {outcomes.count(Outcome.FAIL)} of {len(runs)} runs: {finding.explanation}"
            yield replace(finding, outcome=Outcome.FLAKY, explanation=why)
        else:
            yield finding


def _outcome(run: CaseResult, requirement: str) -> Outcome:
    """What a run says of a requirement; one that only an invariant accuses was kept where it does not."""
    found = (finding.outcome for finding in run.findings if finding.requirement == requirement)
    return next(found, run.outcome if run.outcome is Outcome.HARNESS_ERROR else Outcome.PASS)
