"""``kernel``: judge a kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.running import add_reporting, add_running, at_least, names_of, options_of, play, run_of
from pytest_stdiobus.data import bundled_kernel, bundled_library, kernel_absence
from pytest_stdiobus.kit import target
from pytest_stdiobus.kit.case import EMBEDDED, TRANSPORTS
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.target import KERNEL

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from pytest_stdiobus.kit.target import Target

HELP = "judge a kernel"
EXAMPLES_EACH = 25  # a few seconds
EXAMPLES = """
examples:
  stdiobus-conformance kernel                                            the bundled one
  stdiobus-conformance kernel --binary ./stdio_bus --transport unix      an executable, over unix sockets only
  stdiobus-conformance kernel --library ./libstdio_bus.so                a library, through the embedding API
  stdiobus-conformance kernel -k KRN-FRM --strict                        the rows about framing, choices of this kit too
  stdiobus-conformance kernel -k generated --max-examples 2000 --seed 7  nothing but cases made at random, many others
  stdiobus-conformance kernel --report kernel.html -- valgrind ./stdio_bus  a command, and a page to look at

The kit is at both ends: its clients connect to the kernel, and the kernel starts its workers. The kernel is started with
--config FILE and --stdio, --unix PATH or --tcp HOST:PORT, with your rights, in an empty temporary folder, and is ended
afterwards with everything it started. A library is loaded by a program of the kit, so that a crash is the program's. One
that is static is made shared by: cc -shared -o libstdio_bus.so -Wl,--whole-archive libstdio_bus.a -Wl,--no-whole-archive
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_running(parser)
    parser.set_defaults(profile="bus")
    add_reporting(parser)
    parser.add_argument("--binary", default="", metavar="PATH", help="the executable (default: the bundled kernel)")
    parser.add_argument("--library", default="", metavar="PATH", help="a shared library that has the embedding API")
    parser.add_argument(
        "--transport",
        type=names_of(TRANSPORTS),
        default=(),
        metavar="NAMES",
        help=f"what the cases are played on, of {','.join(TRANSPORTS)} (default: all, the last by a library and nothing else)",
    )
    parser.add_argument(
        "--max-examples",
        type=at_least(0),
        default=EXAMPLES_EACH,
        metavar="N",
        help="also play so many cases made at random on each transport, and make small what fails (default: %(default)s)",
    )


def execute(args: argparse.Namespace) -> int:
    """Judge it."""
    if sum(map(bool, (args.binary, args.library, args.command_line))) > 1:
        message = "name one kernel: --binary PATH, --library PATH, or a command after --"
        raise KitError(message)
    judged = _judged(args)
    if strange := sorted(set(args.transport) - set(judged.transports)):
        message = f"--transport {strange[0]}: cases are played on {', '.join(judged.transports)} here"
        raise KitError(f"{message}; --library PATH judges what is embedded" if EMBEDDED in strange else message)
    options = replace(options_of(args), transports=args.transport, examples=args.max_examples)
    partial = bool(options.select) or set(args.transport or judged.transports) != set(judged.transports)
    run = run_of(args, judged, options, partial=partial)
    return play(replace(run, foreign=args.foreign), args.failures, args.report)


def _judged(args: argparse.Namespace) -> Target:
    if args.library:
        return target.from_library(args.library)
    if args.transport == (EMBEDDED,) and not (args.binary or args.command_line):
        return target.from_library(_found(bundled_library()))
    return target.from_command(args.command_line or [executable(args.binary)], subject=KERNEL)


def executable(name: str) -> str:
    """The executable of a kernel; without a name the bundled one.

    Raises:
        KitError: there is none.
    """
    if name:
        return target.from_command([name]).command[0]
    return _found(bundled_kernel())


def _found(bundled: Path | None) -> str:
    if bundled is None:
        raise KitError(kernel_absence())
    return str(bundled)
