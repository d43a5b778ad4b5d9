"""The result of a case as text and back, so that it can travel from the process that ran it to the one that reports."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pytest_stdiobus.kit import history
from pytest_stdiobus.kit.case import Case, Step
from pytest_stdiobus.kit.result import NOT_PLAYED, CaseResult, Finding, Outcome

_QUIET = NOT_PLAYED | {Outcome.PASS}


def to_json(result: CaseResult) -> str:
    """The result as JSON in ASCII; the history of one that shows nothing stays behind."""
    told = result.history if result.outcome not in _QUIET else None
    value = {
        "case": asdict(result.case),
        "findings": [asdict(finding) for finding in result.findings],
        "history": told and told.to_json(),
        "observed": result.history is not None,
        "duration_ms": result.duration_ms,
    }
    return json.dumps(value)


def from_json(text: str) -> CaseResult:
    """The result that `to_json` wrote; in place of a history that stayed behind it has an empty one."""
    value = json.loads(text)
    told = history.from_json(value["history"]) if value["history"] else history.History()
    return CaseResult(
        case=_case(value["case"]),
        findings=tuple(_finding(finding) for finding in value["findings"]),
        history=told if value["observed"] else None,
        duration_ms=value["duration_ms"],
    )


def _case(value: dict[str, Any]) -> Case:
    listed = {key: tuple(item) for key, item in value.items() if isinstance(item, list)}
    return Case(**{**value, **listed, "steps": tuple(Step(**step) for step in value["steps"])})


def _finding(value: dict[str, Any]) -> Finding:
    return Finding(**{**value, "outcome": Outcome(value["outcome"]), "events": tuple(value["events"])})
