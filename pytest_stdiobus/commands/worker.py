"""``worker``: judge a worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.commands import asking
from pytest_stdiobus.commands.kernel import executable
from pytest_stdiobus.commands.running import add_profile, add_reporting, add_running, options_of, play, run_of
from pytest_stdiobus.kit import target
from pytest_stdiobus.kit.errors import KitError

if TYPE_CHECKING:
    import argparse

HELP = "judge a worker"
EXAMPLES = """
examples:
  stdiobus-conformance worker -- python my_agent.py
  stdiobus-conformance worker -k framing -- python my_agent.py            only the cases about framing
  stdiobus-conformance worker --report agent.html -- node dist/agent.js   and a page to look at
  stdiobus-conformance worker --target agent.json --repeat 3              as a file describes it, three times
  stdiobus-conformance worker --profile acp --prompt "say hi" -- python my_agent.py

The worker runs with your rights, in an empty temporary folder unless --cwd names another, and is ended afterwards with
everything it started. No tool of an MCP server is called unless it is annotated read-only or named with --call. A target
file (schemas/target) adds a name, an environment and calls the worker answers.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_profile(parser)
    add_running(parser)
    asking.add(parser)
    add_reporting(parser)
    parser.add_argument(
        "--target", type=Path, metavar="FILE", help="a file that describes the worker, in place of a command"
    )
    parser.add_argument("--cwd", default="", metavar="DIR", help="where the worker runs (default: an empty folder)")
    parser.add_argument(
        "--through-bus",
        nargs="?",
        const="",
        metavar="KERNEL",
        help="then play the cases through a bus too (the bundled kernel, or this one), and tell who is at fault",
    )


def execute(args: argparse.Namespace) -> int:
    """Judge it."""
    options = options_of(args)
    judged = asking.asked(target_of(args), args)
    run = run_of(args, judged, options, partial=bool(options.select))
    file = str(args.target) if args.target else ""
    kernel = "" if args.through_bus is None else executable(args.through_bus)
    again = {"--prompt": args.prompt, "--call": args.call, "--cwd": args.cwd}
    words = tuple(word for option, value in again.items() if value for word in (option, value))
    return play(replace(run, file=file, words=words, foreign=args.foreign), args.failures, args.report, kernel)


def target_of(args: argparse.Namespace) -> target.Target:
    """The worker that a target file or the command after ``--`` names.

    Raises:
        KitError: neither or both, or what they name cannot be run.
    """
    if bool(args.target) == bool(args.command_line):
        message = "name one worker: a command after --, as in: stdiobus-conformance worker -- python my_agent.py; or --target FILE"
        raise KitError(message)
    if args.cwd and not Path(args.cwd).is_dir():
        message = f"--cwd {args.cwd}: there is no such folder"
        raise KitError(message)
    if args.target:
        described = target.from_file(args.target)
        return replace(described, cwd=str(Path(args.cwd).resolve())) if args.cwd else described
    return target.from_command(args.command_line, cwd=args.cwd)
