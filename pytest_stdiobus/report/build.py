"""From the results of a run to its report."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import os
import platform
from collections import Counter
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import verdict as judging
from pytest_stdiobus.kit.case import bundled_cases
from pytest_stdiobus.kit.catalogue import applies, catalogue
from pytest_stdiobus.kit.result import BROKEN, SHOWN, CaseResult, Outcome, RequirementResult, by_requirement
from pytest_stdiobus.report.bus import bus_part
from pytest_stdiobus.report.evidence import failure, known, veil
from pytest_stdiobus.report.exchange import exchange
from pytest_stdiobus.report.masking import printable
from pytest_stdiobus.report.model import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_stdiobus.kit.baseline import Baseline, Settled
    from pytest_stdiobus.kit.catalogue import Requirement
    from pytest_stdiobus.kit.result import Finding
    from pytest_stdiobus.report.evidence import Veil
    from pytest_stdiobus.report.masking import Mask
    from pytest_stdiobus.report.model import (
        BaselinePart,
        CasePart,
        File,
        FindingPart,
        OptionsPart,
        Report,
        RequirementPart,
        TargetPart,
        VerdictPart,
    )
    from pytest_stdiobus.report.run import Run

HARNESS_EXIT = 4
NOTHING = "nothing was decided: no case passed or failed"


def build(results: Sequence[CaseResult], run: Run) -> Report:
    """The report of a run.

    Args:
        results: what each case came to, in the order of the run.
        run: what was run, and how it counts.
    """
    hidden = veil(results, run)
    found = _rows(results, run)
    settled = run.baseline.settle(results, complete=run.complete)
    return {
        "format": FORMAT,
        "kit": importlib.metadata.version("pytest-stdiobus"),
        "date": (run.date or dt.datetime.now(dt.timezone.utc)).isoformat(timespec="seconds"),
        "platform": f"{platform.platform()}, Python {platform.python_version()}",
        "target": _target(run, hidden.mask),
        "options": _options(run),
        "verdict": _verdict(found, results, run, settled),
        "counts": {
            "requirements": _counted(row.outcome for row in found.values()),
            "cases": _counted(result.outcome for result in results),
        },
        "duration_ms": sum(result.duration_ms for result in results),
        "baseline": _baseline(settled),
        "bus": bus_part(run.bus, results, run) if run.bus else None,
        "requirements": [_requirement(row, run, hidden) for row in found.values()],
        "cases": [_case(result, hidden) for result in results],
        "failures": [failure(result, finding, run, hidden) for result in results for finding in _shown(result)],
    }


def _rows(results: Sequence[CaseResult], run: Run) -> dict[str, RequirementResult]:
    """What became of each requirement, in the order of the catalogue; of those nobody exercised, in a complete run."""
    found = by_requirement(results)
    if run.complete:
        for row in catalogue().values():
            if applies(row, run.target.subject, run.options.profile):
                outcome = Outcome.NOT_APPLICABLE if _elsewhere(row.id, run) else Outcome.NOT_OBSERVED
                found.setdefault(row.id, RequirementResult(row.id, outcome))
    order = list(catalogue())
    return dict(sorted(found.items(), key=lambda item: order.index(item[0])))


def _elsewhere(requirement: str, run: Run) -> tuple[str, ...]:
    """The transports that a requirement's cases are played on, where the target has none of them."""
    transports = {case.transport for case in bundled_cases() if requirement in case.requirements} - {""}
    return () if transports & set(run.target.transports) else tuple(sorted(transports))


def _shown(result: CaseResult) -> Iterator[Finding]:
    """The findings whose history a reader has to see."""
    return (found for found in result.findings if found.outcome in SHOWN)


def _verdict(
    found: dict[str, RequirementResult], results: Sequence[CaseResult], run: Run, settled: Settled
) -> VerdictPart:
    known = frozenset(name for name, row in found.items() if _is_known(row, run.baseline))
    word = judging.verdict(found, run.weights, known)
    status = judging.EXIT[word]
    is_decided = any(result.is_decided for result in results)
    reasons = [*judging.reasons(found, run.weights, known), *filter(None, [run.stopped])]
    reasons += [] if is_decided else [NOTHING]
    behind = [*run.bus.forward, *run.bus.strip] if run.bus else []
    spoilt = sum(result.outcome is Outcome.HARNESS_ERROR for result in behind)
    if spoilt:
        reasons.append(f"the kit failed in {spoilt} of the cases behind the bus")
    outdated = [f"stale known failure: {entry}" for entry in settled.stale]
    outdated += [f"expired known failure: {entry} (until {entry.expires})" for entry in settled.expired]
    if outdated:
        status = 1
    elif status != 1 and (spoilt or any(result.outcome is Outcome.HARNESS_ERROR for result in results)):
        status = HARNESS_EXIT
    elif status == 0 and (run.stopped or not is_decided):
        status = 3
    return {"word": word.value, "reasons": [*reasons, *outdated], "exit": status}


def _is_known(row: RequirementResult, baseline: Baseline) -> bool:
    """Whether each of a requirement's failures is known, and there is one."""
    broken = [(case, finding) for case, finding in row.cases.items() if finding.outcome in BROKEN]
    return bool(broken) and all(baseline.entry(case, finding) for case, finding in broken)


def _requirement(row: RequirementResult, run: Run, hidden: Veil) -> RequirementPart:
    rule: Requirement = catalogue()[row.requirement]
    return {
        "id": rule.id,
        "level": rule.level,
        "basis": rule.basis,
        "statement": rule.statement,
        "source": {"document": rule.source.document, "url": rule.source.url},
        "hint": rule.hint,
        "security": rule.security,
        "effect": judging.effect(rule, run.weights).value,
        "outcome": row.outcome.value,
        "reason": _reason(row, run, hidden),
        "known": _is_known(row, run.baseline),
        "findings": [_finding(case, finding, run, hidden) for case, finding in row.cases.items()],
    }


def _reason(row: RequirementResult, run: Run, hidden: Veil) -> str:
    """The explanation of the first case that decided a requirement."""
    if not row.cases:
        elsewhere = _elsewhere(row.requirement, run)
        return f"its cases are played on {', '.join(elsewhere)}" if elsewhere else "no case of this run exercised it"
    case, decisive = next((case, found) for case, found in row.cases.items() if found.outcome is row.outcome)
    return hidden.told(case, decisive.explanation)


def _finding(case: str, finding: Finding, run: Run, hidden: Veil) -> FindingPart:
    return {
        "case": case,
        "outcome": finding.outcome.value,
        "explanation": hidden.told(case, finding.explanation),
        "known": known(case, finding, run.baseline),
    }


def _target(run: Run, mask: Mask) -> TargetPart:
    return {
        "name": printable(run.target.name),
        "version": printable(run.target.version),
        "subject": run.target.subject,
        "command": mask.command(run.target.command),
        "files": [file for word in run.target.command if os.path.isfile(word) for file in _file(word)],
        "foreign": run.foreign,
    }


def _file(path: str) -> Iterator[File]:
    """What a file has in it, unless nobody may see that."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as content:
            while block := content.read(2**20):
                digest.update(block)
    except OSError:
        return
    yield {"path": path, "sha256": digest.hexdigest()}


def _options(run: Run) -> OptionsPart:
    options = run.options
    return {
        "profile": options.profile,
        "select": options.select,
        "repeat": options.repeat,
        "seed": options.seed,
        "time_scale": options.time_scale,
        "strict": run.rules.strict,
    }


def _baseline(settled: Settled) -> BaselinePart:
    return {
        "used": len(settled.used),
        "stale": [str(entry) for entry in settled.stale],
        "expired": [str(entry) for entry in settled.expired],
        "decided": settled.decided,
    }


def _case(result: CaseResult, hidden: Veil) -> CasePart:
    return {
        "id": result.case.id,
        "title": result.case.title,
        "transport": result.case.transport,
        "outcome": result.outcome.value,
        "duration_ms": result.duration_ms,
        "exchange": exchange(result, hidden),
    }


def _counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    counted = Counter(outcomes)
    return {outcome.value: counted[outcome] for outcome in Outcome}
