"""``judge``: the verdict on histories that were written down."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.running import add_reporting, run_of, tell
from pytest_stdiobus.kit import history
from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.kit.offline import options_of, rejudge
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.report import model

if TYPE_CHECKING:
    import argparse

    from pytest_stdiobus.kit.history import History

HELP = "judge histories that were saved or recorded; nothing is run"
EXAMPLES = """
examples:
  stdiobus-conformance judge .stdiobus/failures/*.ndjson   the failures of the last run, again
  stdiobus-conformance judge session.ndjson                what `record` wrote

The history of a case gives the verdict of its run. A recording has no case: what always holds is judged, the rest is not
observed.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", type=Path, nargs="+", metavar="H.ndjson", help="histories of one target")
    add_reporting(parser)


def execute(args: argparse.Namespace) -> int:
    """Judge them."""
    histories = [_read(file) for file in args.files]
    heads = [(told.head.get("target", "target"), told.head.get("profile", "bus")) for told in histories]
    if len(set(heads)) != 1:
        message = (
            f"the histories are of several targets or profiles: {', '.join(sorted({' '.join(head) for head in heads}))}"
        )
        raise KitError(message)
    name, _ = heads[0]
    results = [rejudge(told) for told in histories]
    target = Target(name, _command(histories[0]), subject=results[0].case.subject)
    run = run_of(args, target, options_of(histories[0].head), partial=True)
    foreign = any(told.head.get("foreign", False) for told in histories)
    return tell(results, replace(run, foreign=foreign), args.report)


def _read(file: Path) -> History:
    try:
        return history.read(file)
    except DataError:
        with contextlib.suppress(DataError):
            model.read(file)
            message = (
                f"{file} is a report, and judge reads histories: .stdiobus/failures/*.ndjson, or what record wrote"
            )
            raise KitError(message) from None
        raise


def _command(told: History) -> tuple[str, ...]:
    """What was run, as far as the history knows."""
    return next((tuple(event.facts["argv"]) for event in told.of_kind("spawn") if "argv" in event.facts), ())
