"""``replay``: play a case that failed once more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.running import add_reporting, run_of, tell
from pytest_stdiobus.kit import history, target
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.offline import case_of, options_of
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.report import failures

if TYPE_CHECKING:
    import argparse

HELP = "play a case that failed once more, against the same target"
EXAMPLES = """
examples:
  stdiobus-conformance replay WRK-17/sigterm-when-idle               as the report says it
  stdiobus-conformance replay 'worker/framing/bad-line[blank]'       the id of the case
  stdiobus-conformance replay .stdiobus/failures/X.ndjson            the file that was kept
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "failure", metavar="FAILURE", help="REQUIREMENT/CASE, the id of the case, or the file of its history"
    )
    parser.add_argument(
        "--failures",
        type=Path,
        default=failures.FOLDER,
        metavar="DIR",
        help="where failures are kept (default: %(default)s)",
    )
    add_reporting(parser)


def execute(args: argparse.Namespace) -> int:
    """Play it."""
    kept = failures.find(args.failure, args.failures)
    head = history.read(kept.file).head
    if not kept.case:
        message = f"{kept.file} is a recording and has no case to play; judge shows what it says"
        raise KitError(message)
    case = case_of(kept.case, head.get("case_file", ""))
    options = replace(options_of(head), select=case.id, cases=(case,) if "case_file" in head else ())
    run = run_of(args, target.from_file(kept.target), options, partial=True)
    run = replace(run, foreign=head.get("foreign", False))
    with Runner(run.target, options) as runner:
        result = runner.run_case(case)
    return tell([result], run, args.report)
