"""The report: one JSON value (``schemas/report``) from which every face is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict, cast

from pytest_stdiobus.kit import schemas

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


class File(TypedDict):
    """A file that the command names, and what was in it."""

    path: str
    sha256: str


class TargetPart(TypedDict):
    """What was judged; secrets in its command are masked."""

    name: str
    version: str
    subject: str
    command: list[str]
    files: list[File]
    foreign: bool


class OptionsPart(TypedDict):
    """How it was judged."""

    profile: str
    select: str
    repeat: int
    seed: int
    time_scale: float
    strict: bool


class VerdictPart(TypedDict):
    """What the run says: the word, why, and the status of the command."""

    word: str
    reasons: list[str]
    exit: int


class SourcePart(TypedDict):
    """Where a rule can be read."""

    document: str
    url: str


class FindingPart(TypedDict):
    """What one case says about a requirement; `known` is the reason why a failure was expected, or empty."""

    case: str
    outcome: str
    explanation: str
    known: str


class RequirementPart(TypedDict):
    """A rule and what became of it; `effect` is what a failure of it means."""

    id: str
    level: str
    basis: str
    statement: str
    source: SourcePart
    hint: str
    security: bool
    effect: str
    outcome: str
    reason: str
    known: bool
    findings: list[FindingPart]


class ExchangePart(TypedDict):
    """What an SDK wrote to the kernel of the kit and which events it gave, by call: JSON values in order.

    A long value is ``{"$sha256", "$length"}``, a line that is no JSON ``{"$text"}``; `cut` counts the lines left out.
    """

    wrote: list[Any]
    gave: dict[str, list[Any]]
    cut: int


class CasePart(TypedDict):
    """A case that was to be played; `transport` is empty where there is one way only, `exchange` None unless an SDK was."""

    id: str
    title: str
    transport: str
    outcome: str
    duration_ms: int
    exchange: ExchangePart | None


# `from` is a word of Python.
Entry = TypedDict("Entry", {"ms": float, "from": str, "to": str, "text": str, "marked": bool, "n": int})


class FailurePart(TypedDict):
    """What a failed requirement looked like in one case.

    `cut` counts the entries left out of the middle of the transcript; `again` is a command that does it again.
    """

    requirement: str
    case: str
    title: str
    outcome: str
    explanation: str
    known: str
    transcript: list[Entry]
    cut: int
    stderr: list[str]
    again: str


class CountsPart(TypedDict):
    """How many requirements, and how many cases, have which outcome."""

    requirements: dict[str, int]
    cases: dict[str, int]


class BaselinePart(TypedDict):
    """What became of the known failures: how many were used, and what is wrong with the others."""

    used: int
    stale: list[str]
    expired: list[str]
    decided: bool


class BusPart(TypedDict):
    """How the worker can be used on a bus, who breaks what is broken, and the failures that show only there, the kit's own included."""

    kernel: str
    how: str
    passed: int
    played: int
    blame: dict[str, str]
    failures: list[FailurePart]


class Report(TypedDict):
    """Everything a face needs."""

    format: int
    kit: str
    date: str
    platform: str
    target: TargetPart
    options: OptionsPart
    verdict: VerdictPart
    counts: CountsPart
    duration_ms: int
    baseline: BaselinePart
    bus: BusPart | None
    requirements: list[RequirementPart]
    cases: list[CasePart]
    failures: list[FailurePart]


def read(file: Path) -> Report:
    """The report in a JSON file.

    Raises:
        DataError: it cannot be read or is not a report; every fault is named.
    """
    return cast("Report", schemas.load(file, "report"))


def write(report: Report, file: Path) -> None:
    """Write a report as JSON."""
    file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
