"""``record``: write down what a client and a worker say to each other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import record, target
from pytest_stdiobus.kit.catalogue import profile

if TYPE_CHECKING:
    import argparse

HELP = "stand between a client and its worker, and write down what they say to each other"
EXAMPLES = """
examples:
  stdiobus-conformance record -o session.ndjson -- python my_agent.py
  stdiobus-conformance judge session.ndjson

Put the first command where the client has the command of its worker. Every byte is passed on as it comes; the status is the
worker's. The file holds all that was said, secrets too: it can be read by you alone.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("-o", dest="out", type=Path, required=True, metavar="H.ndjson", help="where the history goes")
    parser.add_argument("--profile", default="bus", help="what the worker claims to be (default: %(default)s)")


def execute(args: argparse.Namespace) -> int:
    """Run the worker where the client meant it to run."""
    worker = target.from_command(args.command_line, cwd=os.curdir)
    return record.record(worker, args.out, profile(args.profile).name)
