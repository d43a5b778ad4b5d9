"""``kernel``: judge a kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.running import add_reporting, add_running, options_of, play, run_of
from pytest_stdiobus.data import bundled_kernel, kernel_absence
from pytest_stdiobus.kit import target
from pytest_stdiobus.kit.case import TRANSPORTS
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.run import KERNEL

if TYPE_CHECKING:
    import argparse

HELP = "judge a kernel"
EXAMPLES = """
examples:
  stdiobus-conformance kernel                                            the bundled one
  stdiobus-conformance kernel --binary ./stdio_bus --transport unix      an executable, over unix sockets only
  stdiobus-conformance kernel -k KRN-FRM --strict                        the rows about framing, choices of this kit too
  stdiobus-conformance kernel --report kernel.html -- valgrind ./stdio_bus  a command, and a page to look at

The kit is at both ends: its clients connect to the kernel, and the kernel starts its workers. The kernel is started with
--config FILE and --stdio, --unix PATH or --tcp HOST:PORT, with your rights, in an empty temporary folder, and is ended
afterwards with everything it started.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_running(parser)
    parser.set_defaults(profile="bus")
    add_reporting(parser)
    parser.add_argument("--binary", default="", metavar="PATH", help="the executable (default: the bundled kernel)")
    parser.add_argument(
        "--transport",
        type=_transports,
        default=TRANSPORTS,
        metavar="NAMES",
        help=f"what the cases are played on, separated by commas (default: {','.join(TRANSPORTS)})",
    )
    parser.add_argument(
        "--foreign", action="store_true", help="it is somebody else's: say so, and keep breaches of security local"
    )


def execute(args: argparse.Namespace) -> int:
    """Judge it."""
    if args.binary and args.command_line:
        message = "name one kernel: --binary PATH, or a command after --"
        raise KitError(message)
    options = replace(options_of(args), transports=args.transport)
    judged = target.from_command(args.command_line or [executable(args.binary)], subject=KERNEL)
    partial = bool(options.select) or set(options.transports) != set(TRANSPORTS)
    run = run_of(args, judged, options, partial=partial)
    return play(replace(run, foreign=args.foreign), args.failures, args.report)


def executable(name: str) -> str:
    """The executable of a kernel; without a name the bundled one.

    Raises:
        KitError: there is none.
    """
    if name:
        return target.from_command([name]).command[0]
    bundled = bundled_kernel()
    if bundled is None:
        raise KitError(kernel_absence())
    return str(bundled)


def _transports(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(TRANSPORTS)):
        raise ValueError(unknown)
    return names
