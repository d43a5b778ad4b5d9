"""``compare``: reports side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.report import model
from pytest_stdiobus.report.build import HARNESS_EXIT
from pytest_stdiobus.report.faces import face, write
from pytest_stdiobus.report.masking import printable
from pytest_stdiobus.report.matrix import matrix, target_name
from pytest_stdiobus.report.matrix_lines import lines
from pytest_stdiobus.report.parity import parity

if TYPE_CHECKING:
    import argparse

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
        help="also write them: .html, .md, .json; repeatable",
    )


def execute(args: argparse.Namespace) -> int:
    """Compare them."""
    if len(args.files) == 1:
        raise DataError(str(args.files[0]), ["is alone: name two reports or more"])
    for file in args.report:
        face(file, several=True)
    reports = [model.read(file) for file in args.files]
    if len(subjects := {report["target"]["subject"] for report in reports}) > 1:
        message = f"reports of one subject can be compared; these are of a {' and of a '.join(sorted(subjects))}"
        raise KitError(message)
    for number, (report, file) in enumerate(zip(reports, args.files, strict=True), 1):
        _say(f"[{number}] {file}: {target_name(report)}, {report['verdict']['word']}, {report['date'][:10]}")
    for line in lines(reports):
        _say(line)
    unwritten = write(reports, args.report, several=True)
    sys.stderr.writelines(f"{why}\n" for why in unwritten)
    differ = any(row.differs for row in matrix(reports)) or any(case.differences for case in parity(reports))
    return DIFFERENT if differ else (HARNESS_EXIT if unwritten else 0)


def _say(line: str) -> None:
    """Print a line, which may quote whatever a report says."""
    sys.stdout.write(f"{printable(line)}\n")
