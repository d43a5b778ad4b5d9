"""``list``: the requirements, or the cases, of a profile."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import BACKENDS, DOCKER, TRANSPORTS, bundled_cases
from pytest_stdiobus.kit.catalogue import applies, catalogue, profile
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.select import selects
from pytest_stdiobus.kit.target import KERNEL, SDK, WORKER, Target
from pytest_stdiobus.report.words import LEVEL

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

HELP = "list the requirements, or the cases, of a profile"
PLAYED_ON = {KERNEL: TRANSPORTS, SDK: (*BACKENDS, DOCKER)}
EXAMPLES = """
examples:
  stdiobus-conformance list                         every requirement of a worker
  stdiobus-conformance list --cases -k lifecycle    the cases about the beginning and the end
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--profile", default="bus", help="what the worker claims to be (default: %(default)s)")
    parser.add_argument(
        "--subject", choices=(WORKER, KERNEL, SDK), default=WORKER, help="of what (default: %(default)s)"
    )
    parser.add_argument("--cases", action="store_true", help="list the cases in place of the requirements")
    parser.add_argument(
        "-k", dest="select", default="", metavar="EXPR", help="only those whose id has this; and, or, not"
    )


def execute(args: argparse.Namespace) -> int:
    """List them."""
    options = Options(
        profile=profile(args.profile).name, select=args.select, transports=PLAYED_ON.get(args.subject, ())
    )
    lines = list((_cases if args.cases else _requirements)(args.subject, options))
    if not lines:
        what = f"no {'case' if args.cases else 'requirement'} of {args.subject}s in the profile {options.profile}"
        message = f"{what} has an id with {args.select!r}; --subject and --profile choose others"
        raise KitError(message)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _requirements(subject: str, options: Options) -> Iterator[str]:
    exercised = Counter(name for case in bundled_cases() if case.subject == subject for name in case.requirements)
    for row in catalogue().values():
        if applies(row, subject, options.profile) and selects(options.select, [row.id]):
            yield f"{row.id}  {LEVEL[row.level]:6}  {row.basis:4}  {exercised[row.id]:3} cases  {row.statement}"


def _cases(subject: str, options: Options) -> Iterator[str]:
    for case in Runner(Target("nobody", (), subject=subject), options).cases:
        yield f"{case.id}  {', '.join(case.requirements)}  {case.title}"
