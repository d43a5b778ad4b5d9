"""``compare``: reports side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.errors import DataError
from pytest_stdiobus.report import model
from pytest_stdiobus.report.faces import face
from pytest_stdiobus.report.matrix import matrix
from pytest_stdiobus.report.words import OUTCOME

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.report.model import Report

HELP = "put reports side by side; 0 when they say the same, 1 when they differ, 2 when one cannot be read"
EXAMPLES = """
examples:
  stdiobus-conformance compare before.json after.json
  stdiobus-conformance compare a.json b.json c.json --report matrix.html
"""
DIFFERENT = 1


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", type=Path, nargs="+", metavar="REPORT.json", help="two reports or more")
    parser.add_argument(
        "--report",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="also write them: .html, .md; repeatable",
    )


def execute(args: argparse.Namespace) -> int:
    """Compare them."""
    if len(args.files) == 1:
        raise DataError(str(args.files[0]), ["is alone: name two reports or more"])
    writers = [(face(file, several=True), file) for file in args.report]
    reports = [model.read(file) for file in args.files]
    sys.stdout.writelines(f"{line}\n" for line in _lines(reports, args.files))
    for write, file in writers:
        write(reports, file)
    return DIFFERENT if any(row.differs for row in matrix(reports)) else 0


def _lines(reports: Sequence[Report], files: Sequence[Path]) -> Iterator[str]:
    """What the reports are of, and each requirement of which they do not say the same."""
    for number, (report, file) in enumerate(zip(reports, files, strict=True), 1):
        target = " ".join(filter(None, (report["target"]["name"], report["target"]["version"])))
        yield f"[{number}] {file}: {target}, {report['verdict']['word']}, {report['date'][:10]}"
    rows = matrix(reports)
    for row in rows:
        if row.differs:
            said = ", ".join(
                f"[{number}] {OUTCOME[part['outcome']] if part else 'not in it'}"
                for number, part in enumerate(row.parts, 1)
            )
            yield f"{row.id}  {said}  {row.rule['statement']}"
    differing = sum(row.differs for row in rows)
    yield f"{differing} of {len(rows)} requirements differ" if differing else f"the same for {len(rows)} requirements"
