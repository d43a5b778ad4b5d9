"""A report as one HTML page that needs nothing else, and no script to be read."""

from __future__ import annotations

import base64
import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.report.markup import Markup, joined, link, tag
from pytest_stdiobus.report.matrix import matrix, target_name
from pytest_stdiobus.report.parity import parity
from pytest_stdiobus.report.parity_html import parity_section
from pytest_stdiobus.report.words import (
    FOREIGN,
    LEVEL,
    OUTCOME,
    groups,
    of_requirement,
    on_the_bus,
    rule,
    weight,
    why,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.report.matrix import Cell, Row
    from pytest_stdiobus.report.model import Entry, FailurePart, Report, RequirementPart

SHOWN = 8  # failures of a requirement with their transcript; the others are listed
_FOLDER = Path(__file__).parent
_SYMBOL = {
    "pass": "✓",
    "fail": "✗",
    "flaky": "≈",
    "harness_error": "!",
    "untestable": "?",
    "not_observed": "○",
    "skipped": "·",
    "not_applicable": "·",
}


def page(reports: Sequence[Report]) -> str:
    """The page of a report, or of several side by side."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    title = ", ".join(target_name(report) for report in reports)
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title}: {reports[0]['verdict']['word']}" if len(reports) == 1 else title),
        tag("style", Markup(style)),
    )
    body = tag("body", tag("main", *_main(reports)), tag("script", Markup(script)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _main(reports: Sequence[Report]) -> Iterator[Markup]:
    yield tag("div", *(_header(report) for report in reports), class_="targets")
    yield _filter()
    names = [target_name(report) for report in reports] if len(reports) > 1 else ["Outcome"]
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Requirement", "Rule", *names)))
    rows = matrix(reports)
    bodies = [_row(row, reports) for row in rows]
    yield tag("table", tag("thead", head), *bodies)
    yield tag("p", "No requirement has this.", class_="none", hidden=True)
    if compared := parity(reports):
        yield parity_section(compared, names)


def _header(report: Report) -> Markup:
    target, verdict = report["target"], report["verdict"]
    facts = {
        "Command": tag("code", shlex.join(target["command"])),
        "Cases": ", ".join(f"{name} {passed}/{played}" for name, (passed, played) in groups(report).items()),
        **({"On the bus": on_the_bus(report)} if report["bus"] else {}),
        "Profile": report["options"]["profile"] + (", strict" if report["options"]["strict"] else ""),
        "Kit": f"pytest-stdiobus {report['kit']}",
        "Platform": report["platform"],
        "Date": report["date"],
        **{f"sha256 of {Path(file['path']).name}": tag("code", file["sha256"]) for file in target["files"]},
    }
    listed = [part for name, value in facts.items() for part in (tag("dt", name), tag("dd", value))]
    counts = [
        tag("li", tag("b", str(number)), f" {OUTCOME[outcome]}", class_=outcome)
        for outcome, number in report["counts"]["requirements"].items()
        if number
    ]
    return tag(
        "header",
        tag("h1", target_name(report)),
        tag("p", verdict["word"], class_=f"verdict exit-{verdict['exit']}"),
        tag("p", FOREIGN) if target["foreign"] else None,
        tag("ul", *(tag("li", reason) for reason in verdict["reasons"]), class_="reasons"),
        tag("ul", *counts, class_="counts"),
        tag("details", tag("summary", "What was run"), tag("dl", *listed)),
    )


def _filter() -> Markup:
    options = [tag("option", "every outcome", value=""), tag("option", "not passed", value="!pass")]
    options += [tag("option", word, value=outcome) for outcome, word in OUTCOME.items()]
    return tag(
        "form",
        tag("label", "Find ", tag("input", type="search", name="text", placeholder="WRK-08, stderr, session")),
        tag("label", "Show ", tag("select", *options, name="outcome")),
        class_="filter",
        hidden=True,
    )


def _row(row: Row, reports: Sequence[Report]) -> Markup:
    text = row.rule
    outcomes = " ".join(dict.fromkeys(cell.part["outcome"] for cell in row.cells if cell))
    level = tag("small", f"{LEVEL[text['level']]}, {rule(text)}")
    names = [target_name(report) for report in reports] if len(reports) > 1 else [""]
    cells = (
        tag("th", tag("a", row.id, href=f"#{row.id}"), scope="row"),
        tag("td", tag("span", text["statement"]), level, class_="rule"),
        *(_outcome(cell, name) for cell, name in zip(row.cells, names, strict=True)),
    )
    told = [_told(cell.part, report, len(reports) > 1) for cell, report in zip(row.cells, reports, strict=True) if cell]
    is_broken = any(cell and cell.broken for cell in row.cells)
    inside = tag("details", tag("summary", "Evidence" if is_broken else "Details"), _about(text), *told)
    more = tag("tr", tag("td"), tag("td", inside, colspan=str(len(row.cells) + 1)), class_="more")
    return tag("tbody", tag("tr", *cells), more, id=row.id, data_outcomes=outcomes)


def _outcome(cell: Cell | None, target: str) -> Markup:
    """A cell of the matrix; where the page is narrow it says itself whose it is."""
    if cell is None:
        return tag("td", class_="outcome", data_target=target)
    outcome, note = cell.part["outcome"], "known" if cell.part["known"] else weight(cell.part)
    badge = tag("span", f"{_SYMBOL[outcome]} {OUTCOME[outcome]}", class_=f"badge {outcome} weight-{note}")
    return tag("td", badge, tag("small", cell.note) if cell.note else None, class_="outcome", data_target=target)


def _about(row: RequirementPart) -> Markup:
    return tag(
        "dl",
        tag("dt", "Source"),
        tag("dd", link(row["source"]["document"], row["source"]["url"])),
        tag("dt", "What to do"),
        tag("dd", row["hint"]),
    )


def _told(row: RequirementPart, report: Report, with_name: bool) -> Markup:
    failures = of_requirement(report, row["id"])[:SHOWN]
    shown = {failure["case"] for failure in failures}
    others = [finding for finding in row["findings"] if finding["case"] not in shown]
    listed = [
        tag(
            "li",
            tag(
                "span",
                f"{_SYMBOL[finding['outcome']]} {OUTCOME[finding['outcome']]}",
                class_=f"badge {finding['outcome']}",
            ),
            " ",
            tag("code", finding["case"]),
            f" {finding['explanation']}",
        )
        for finding in others
    ]
    return tag(
        "section",
        tag("h2", target_name(report)) if with_name else None,
        tag("p", why(row)) if row["reason"] and not failures else None,
        *(_failure(failure, is_first=index == 0) for index, failure in enumerate(failures)),
        tag("details", tag("summary", f"{len(listed)} cases"), tag("ul", *listed, class_="cases")) if listed else None,
    )


def _failure(failure: FailurePart, *, is_first: bool) -> Markup:
    entries = [_entry(entry) for entry in failure["transcript"]]
    log = tag("pre", "\n".join(failure["stderr"]), class_="stderr") if failure["stderr"] else None
    return tag(
        "details",
        tag("summary", tag("code", failure["case"]), f" {failure['title']}"),
        tag("p", failure["explanation"], class_="why"),
        tag("p", f"Known: {failure['known']}") if failure["known"] else None,
        tag("ol", *entries, class_="transcript") if entries else None,
        tag("p", f"{failure['cut']} more entries are left out.") if failure["cut"] else None,
        joined([tag("h3", "stderr"), log]) if log else None,
        tag("h3", "Again"),
        tag("pre", failure["again"]),
        class_="failure",
        open=is_first,
    )


def _entry(entry: Entry) -> Markup:
    who = f"{entry['from']} → {entry['to']}" if entry["to"] else entry["from"]
    return tag(
        "li",
        tag("time", f"+{entry['ms'] / 1000:.3f}"),
        tag("b", who),
        tag("code", entry["text"]),
        class_="marked" if entry["marked"] else "",
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
