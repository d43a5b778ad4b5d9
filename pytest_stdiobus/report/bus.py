"""What became of a worker behind a bus, beside what became of it without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit import through
from pytest_stdiobus.kit.result import NOT_PLAYED, SHOWN, Outcome
from pytest_stdiobus.report.evidence import failure, veil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.report.model import BusPart
    from pytest_stdiobus.report.run import Behind, Run


def bus_part(behind: Behind, direct: Sequence[CaseResult], run: Run) -> BusPart:
    """How the worker can be used on a bus, who breaks what is broken, and what shows only there."""
    how = through.on_the_bus(direct, behind.forward, behind.strip)
    shown = behind.strip if how == through.STRIPPED else behind.forward
    played = [result for result in shown if result.outcome not in NOT_PLAYED]
    hidden = veil(shown, run)
    broken = {(result.case.id, finding.requirement) for result in direct for finding in result.failures}
    return {
        "kernel": behind.kernel,
        "how": how,
        "passed": sum(result.outcome is Outcome.PASS for result in played),
        "played": len(played),
        "blame": {name: blame.value for name, blame in sorted(through.compare(direct, shown).items())},
        "failures": [
            failure(result, finding, run, hidden)
            for result in shown
            for finding in result.findings
            if finding.outcome in SHOWN and (result.case.id, finding.requirement) not in broken
        ],
    }
