"""A report for people who read it where they ran it."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from pytest_stdiobus.report.words import (
    BROKEN,
    FOREIGN,
    LEVEL,
    NOT_PLAYED,
    OUTCOME,
    SILENT,
    groups,
    of_requirement,
    on_the_bus,
    rule,
    weight,
    why,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.report.model import Entry, FailurePart, Report, RequirementPart

INDENT = " " * 5
SHOWN = 12  # entries of a transcript
CASES = 3  # further cases named by a failure
LOG = 6  # lines of stderr
WIDTH = 160  # characters of a line of a transcript
_COLOURS = {"FAIL": "31", "FLAKY": "31", "ERROR": "35", "warn": "33", "info": "36", "known": "33", "bold": "1"}


class Terminal:
    """Renders reports as text."""

    def __init__(self, *, colour: bool = False) -> None:
        """`colour`: whether the text goes to a terminal that knows escape sequences."""
        self._colour = colour

    def text(self, report: Report) -> str:
        """The whole report, as the command prints it."""
        lines = [
            *self._head(report),
            *self._failures(report),
            *self._undecided(report),
            *self._bus(report),
            self._verdict(report),
        ]
        return "\n".join([*lines, f"exit {report['verdict']['exit']}"]) + "\n"

    def failures(self, report: Report) -> str:
        """Each failure with its rule, its evidence, and what to do about it."""
        return "\n".join(self._failures(report)).strip("\n")

    def summary(self, report: Report) -> str:
        """What is left to say where the failures have been shown: warnings in full, failures by name, the verdict."""
        lines = [*self._head(report)]
        for row in report["requirements"]:
            shown = of_requirement(report, row["id"])
            if shown and weight(row) in {"warning", "information"}:
                lines += self._failure(report, row, shown)
            elif shown:
                lines += [self._title(row), f"{INDENT}in: {_named(shown)}"]
        return "\n".join([*lines, self._verdict(report)]) + "\n"

    def _head(self, report: Report) -> Iterator[str]:
        target = report["target"]
        name = " ".join(filter(None, (target["name"], target["version"])))
        yield f"{self._paint('bold', name)}   {shlex.join(target['command'])}"
        if target["foreign"]:
            yield FOREIGN
        told = [f"{name} {passed}/{played}" for name, (passed, played) in groups(report).items()]
        yield "   ".join([*told, f"{report['duration_ms'] / 1000:.1f} s"])

    def _failures(self, report: Report) -> Iterator[str]:
        for row in report["requirements"]:
            shown = of_requirement(report, row["id"])
            if shown:
                yield from self._failure(report, row, shown)

    def _failure(self, report: Report, row: RequirementPart, failures: list[FailurePart]) -> Iterator[str]:
        first, *others = failures
        yield ""
        yield self._title(row)
        yield from (f"{INDENT}{line}" for line in self._told(report, row, first))
        if others:
            yield f"{INDENT}also in: {_named(others)}"

    def _title(self, row: RequirementPart) -> str:
        label = _label(row)
        return f"{self._paint(label, label)} {row['id']} ({rule(row)}): {row['statement']}"

    def _told(self, report: Report, row: RequirementPart, failure: FailurePart) -> Iterator[str]:
        if row["source"]["url"]:
            yield row["source"]["url"]
        yield f"in {failure['case']}: {failure['explanation'] or OUTCOME[failure['outcome']]}"
        if failure["known"]:
            yield f"known: {failure['known']}"
        yield from _lines(failure["transcript"], failure["cut"])
        yield from (f"stderr: {line}" for line in failure["stderr"][-LOG:])
        if failure["outcome"] in BROKEN:
            yield f"try: {row['hint']}"
        again = ["stdiobus-conformance", "replay", f"{row['id']}/{failure['case'].rpartition('/')[2]}"]
        if report["options"]["strict"]:
            again.append("--strict")
        yield f"more: stdiobus-conformance explain {row['id']}     again: {shlex.join(again)}"

    def _undecided(self, report: Report) -> Iterator[str]:
        rows = [row for row in report["requirements"] if row["outcome"] in SILENT]
        if rows:
            yield ""
        for row in rows:
            yield f"{OUTCOME[row['outcome']]}: {row['id']} ({LEVEL[row['level']]}): {why(row)}"
        yield from self._not_played(report)

    def _not_played(self, report: Report) -> Iterator[str]:
        """Why cases were not played, where others of the same requirement were."""
        reasons = {
            (finding["case"], f"{OUTCOME[finding['outcome']]}: {finding['explanation']}")
            for row in report["requirements"]
            for finding in row["findings"]
            if finding["outcome"] in NOT_PLAYED
        }
        for reason, number in sorted(Counter(reason for _, reason in reasons).items()):
            yield f"{number} case{'s' if number > 1 else ''} {reason}"

    def _bus(self, report: Report) -> Iterator[str]:
        """How it does behind a bus, and what shows only there."""
        if (bus := report["bus"]) is None:
            return
        yield f"\non the bus: {on_the_bus(report)}"
        for failure in bus["failures"][:CASES]:
            yield f"{INDENT}{failure['requirement']} in {failure['case']}: {failure['explanation']}"
            yield from (f"{INDENT}{line}" for line in _lines(failure["transcript"], failure["cut"]))
        if len(bus["failures"]) > CASES:
            yield f"{INDENT}and {len(bus['failures']) - CASES} more in the report"

    def _verdict(self, report: Report) -> str:
        verdict = report["verdict"]
        reasons = "".join(f"\n{INDENT}{reason}" for reason in verdict["reasons"])
        return f"\n{self._paint('bold', verdict['word'])}{reasons}"

    def _paint(self, name: str, text: str) -> str:
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._colour else text


def _label(row: RequirementPart) -> str:
    if row["known"]:
        return "known"
    if row["outcome"] == "harness_error":
        return "ERROR"
    return {"failure": "FLAKY" if row["outcome"] == "flaky" else "FAIL", "warning": "warn"}.get(weight(row), "info")


def _named(failures: list[FailurePart]) -> str:
    """The first few cases of some failures."""
    more = f" and {len(failures) - CASES} more" if len(failures) > CASES else ""
    return ", ".join(failure["case"] for failure in failures[:CASES]) + more


def _lines(entries: list[Entry], cut: int) -> Iterator[str]:
    """The transcript, without its middle where that is long, but with what the finding points at."""
    late = entries[-SHOWN // 2 :] if len(entries) > SHOWN else []
    kept = [entry for entry in entries[: SHOWN // 2] + entries[SHOWN // 2 :] if _is_shown(entry, entries, late)]
    left_out = len(entries) - len(kept) + cut
    for entry in kept:
        if late and entry is late[0] and left_out:
            yield f"... {left_out} more in the report"
        yield entry_line(entry)


def _is_shown(entry: Entry, entries: list[Entry], late: list[Entry]) -> bool:
    return not late or entry["marked"] or entry in late or entry in entries[: SHOWN // 2]


def entry_line(entry: Entry) -> str:
    """An entry of a transcript as one line."""
    who = f"{entry['from']} -> {entry['to']}" if entry["to"] else entry["from"]
    text = entry["text"] if len(entry["text"]) <= WIDTH else f"{entry['text'][:WIDTH]}..."
    return f"{'>' if entry['marked'] else ' '} +{entry['ms'] / 1000:.3f} {who}  {text}"
