"""The table of what SDKs said, on the page of their reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.report.markup import tag
from pytest_stdiobus.report.parity import conclusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.report.markup import Markup
    from pytest_stdiobus.report.parity import Difference, ParityCase

SHOWN = 20  # differences of a case


def parity_section(cases: Sequence[ParityCase], names: Sequence[str]) -> Markup:
    """Every difference, by case; a case with many shows the first."""
    differing = [case for case in cases if case.differences]
    return tag(
        "section",
        tag("h2", "What was said"),
        tag("p", f"{conclusion(cases)}."),
        *(_case(case, names) for case in differing),
        class_="parity",
    )


def _case(case: ParityCase, names: Sequence[str]) -> Markup:
    head = tag("tr", *(tag("th", name, scope="col") for name in ("Where", *names)))
    more = len(case.differences) - SHOWN
    return tag(
        "details",
        tag("summary", tag("code", case.id), f" {case.title}"),
        tag("table", tag("thead", head), tag("tbody", *(_row(found, names) for found in case.differences[:SHOWN]))),
        tag("p", f"And {more} more, in the JSON report.") if more > 0 else None,
    )


def _row(found: Difference, names: Sequence[str]) -> Markup:
    """A row; where the page is narrow each cell says itself whose it is."""
    cells = (
        tag("td", tag("code", value) if value is not None else None, class_="outcome", data_target=name)
        for value, name in zip(found.values, names, strict=True)
    )
    return tag("tr", tag("th", tag("code", found.path), scope="row"), *cells)
