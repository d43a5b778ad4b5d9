"""A report as Markdown, for a pull request: what failed and why, the rest counted."""

from __future__ import annotations

import html
import re
import shlex
from typing import TYPE_CHECKING

from pytest_stdiobus.report.masking import printable
from pytest_stdiobus.report.matrix import matrix, target_name
from pytest_stdiobus.report.parity import conclusion, parity
from pytest_stdiobus.report.words import (
    BROKEN,
    FOREIGN,
    LEVEL,
    OUTCOME,
    groups,
    of_requirement,
    on_the_bus,
    rule,
    weight,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.report.matrix import Cell, Row
    from pytest_stdiobus.report.model import FailurePart, Report, RequirementPart
    from pytest_stdiobus.report.parity import ParityCase

SHOWN = 20  # failed requirements with a transcript: a comment has an end
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~@!&])")


def markdown(reports: Sequence[Report]) -> str:
    """The page of a report, or of several side by side."""
    parts = [*_matrix(reports)] if len(reports) > 1 else []
    for report in reports:
        parts += _report(report)
    return "\n".join(parts) + "\n"


def _report(report: Report) -> Iterator[str]:
    target = report["target"]
    yield f"## {_text(target_name(report))}: {report['verdict']['word']}\n"
    if target["foreign"]:
        yield f"{FOREIGN}\n"
    yield from (f"- {_text(reason)}" for reason in report["verdict"]["reasons"])
    yield f"\n{', '.join(f'{group} {passed}/{played}' for group, (passed, played) in groups(report).items())}\n"
    if report["bus"]:
        yield f"On the bus: {_text(on_the_bus(report))}\n"
    yield from _table(report)
    failed = [(row, of_requirement(report, row["id"])) for row in report["requirements"]]
    failed = [(row, failures) for row, failures in failed if failures]
    for row, failures in failed[:SHOWN]:
        yield from _failure(row, failures)
    if len(failed) > SHOWN:
        yield f"And {len(failed) - SHOWN} more, in the report.\n"
    told = [
        f"profile {report['options']['profile']}",
        f"pytest-stdiobus {report['kit']}",
        report["platform"],
        report["date"],
    ]
    yield f"{_code(shlex.join(target['command']))} · {' · '.join(map(_text, told))}"
    yield from (f"<br>{_code(file['path'])} sha256 {file['sha256'][:16]}" for file in target["files"])


def _table(report: Report) -> Iterator[str]:
    """Everything that did not simply pass."""
    rows = [row for row in report["requirements"] if row["outcome"] != "pass"]
    passed = len(report["requirements"]) - len(rows)
    if rows:
        yield "| requirement | level | outcome | rule |\n|---|---|---|---|"
    for row in rows:
        yield f"| {_text(row['id'])} | {LEVEL[row['level']]} | {_outcome(row)} | {_text(row['statement'])} |"
    yield f"\n{passed} of {len(report['requirements'])} requirements pass.\n"


def _failure(row: RequirementPart, failures: list[FailurePart]) -> Iterator[str]:
    first = failures[0]
    source = f"[{_text(rule(row))}]({row['source']['url']})" if _is_link(row["source"]["url"]) else _text(rule(row))
    summary = html.escape(printable(f"{row['id']}: {row['statement']}"))  # among HTML, where Markdown escapes nothing
    yield f"<details><summary>{summary}</summary>\n"
    yield f"{source}\n"
    yield _block([first["explanation"], "", *_transcript(first), *(f"stderr: {line}" for line in first["stderr"])])
    yield f"Try: {_text(row['hint'])}\n"
    yield _block([first["again"]])
    others = [_code(failure["case"]) for failure in failures[1:]]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        yield f"Also in {', '.join(others[:SHOWN])}{more}\n"
    yield "</details>\n"


def _transcript(failure: FailurePart) -> Iterator[str]:
    for entry in failure["transcript"]:
        who = f"{entry['from']} -> {entry['to']}" if entry["to"] else entry["from"]
        yield f"{'>' if entry['marked'] else ' '} +{entry['ms'] / 1000:.3f} {who}  {entry['text']}"


def _matrix(reports: Sequence[Report]) -> Iterator[str]:
    names = [_text(target_name(report)) for report in reports]
    yield f"| requirement | {' | '.join(names)} | rule |\n|---|{'---|' * len(names)}---|"
    yield from (_row(row) for row in matrix(reports))
    yield ""
    if compared := parity(reports):
        yield f"{conclusion(compared)[0].upper()}{conclusion(compared)[1:]}.\n"
        if any(case.differences for case in compared):
            yield f"| case | where | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}"
        yield from (line for case in compared for line in _parity(case))
        yield ""


def _parity(case: ParityCase) -> Iterator[str]:
    for found in case.differences[:SHOWN]:
        yield f"| {_text(case.id)} | {_cell_code(found.path)} | {' | '.join(map(_cell_code, found.values))} |"
    if len(case.differences) > SHOWN:
        yield f"| {_text(case.id)} | and {len(case.differences) - SHOWN} more |{' |' * len(case.played)}"


def _cell_code(text: str | None) -> str:
    """Code in a table, where a bar would end the cell."""
    return _code(text.replace("|", "\\|")) if text is not None else ""


def _row(row: Row) -> str:
    said = " | ".join(_cell(cell) if cell else "" for cell in row.cells)
    return f"| {_text(row.id)} | {said} | {_text(row.rule['statement'])} |"


def _cell(cell: Cell) -> str:
    outcome = cell.part["outcome"]
    word = f"**{OUTCOME[outcome]}**" if outcome in BROKEN else OUTCOME[outcome]
    return f"{word} ({_text(cell.note)})" if cell.note else word


def _outcome(row: RequirementPart) -> str:
    if row["outcome"] not in BROKEN:
        return OUTCOME[row["outcome"]]
    word = "**fails**" if row["outcome"] == "fail" else "**flaky**"
    note = "known" if row["known"] else weight(row)
    return word if note == "failure" else f"{word} ({note})"


def _text(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    text = printable(text)
    fence = _fence(text, 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def _block(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    fence = _fence(text, 3)
    return f"{fence}text\n{text}\n{fence}\n"


def _fence(text: str, least: int) -> str:
    """More backticks than stand together anywhere in the text."""
    return "`" * max(least, 1 + max(map(len, re.findall("`+", text)), default=0))


def _is_link(url: str) -> bool:
    return re.fullmatch(r"https?://[^\s()<>]+", url) is not None
