"""What several runs say together: of one case repeated, and of one case with and without an SDK's own kernel."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import SCRIPTED
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome, gravest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.case import Case

WITH_ITS_KERNEL = "sdk with its kernel: with a kernel of the kit in its place this passes"
ALONE = "the sdk alone: it fails with a kernel of the kit in place of its own, too"


def steady(runs: Sequence[CaseResult]) -> CaseResult:
    """What the runs of a case say together, with the history of the one that says the most against it."""
    decisive = min(runs, key=lambda run: (-len(run.failures), tuple(Outcome).index(run.outcome)))
    names = dict.fromkeys(finding.requirement for run in (decisive, *runs) for finding in run.findings)
    return replace(decisive, findings=tuple(_together(name, decisive, runs) for name in names))


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


def _together(requirement: str, decisive: CaseResult, runs: Sequence[CaseResult]) -> Finding:
    """The gravest that runs say of a requirement; flaky where one run failed what another did not."""
    said = [_said(run, requirement) for run in runs]
    outcomes = [finding.outcome for finding in said]
    worst = gravest(outcomes)
    found = _said(decisive, requirement)
    if found.outcome is not worst:  # the numbers of its events would be those of another history
        found = replace(next(finding for finding in said if finding.outcome is worst), events=())
    if {Outcome.FAIL, Outcome.PASS} <= set(outcomes):
        why = f"it failed in {outcomes.count(Outcome.FAIL)} of {len(runs)} runs: {found.explanation}"
        return replace(found, outcome=Outcome.FLAKY, explanation=why)
    return found


def _said(run: CaseResult, requirement: str) -> Finding:
    """What a run says of a requirement; one that only an invariant accuses was kept where it does not."""
    found = (finding for finding in run.findings if finding.requirement == requirement)
    spoilt = (
        replace(finding, requirement=requirement)
        for finding in run.findings
        if finding.outcome is Outcome.HARNESS_ERROR
    )
    return next(chain(found, spoilt), Finding(requirement, Outcome.PASS))
