"""``sdk``: judge an SDK through its adapter."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.kernel import executable
from pytest_stdiobus.commands.running import add_reporting, add_running, names_of, options_of, play, run_of
from pytest_stdiobus.kit import target
from pytest_stdiobus.kit.case import BACKENDS, DOCKER
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_stdiobus.kit.target import Target

HELP = "judge an SDK, through an adapter"
EXAMPLES = """
examples:
  stdiobus-conformance sdk -- node adapter.js
  stdiobus-conformance sdk --backend scripted -- python adapter.py       only what needs no kernel but the kit's
  stdiobus-conformance sdk --kernel ./stdio_bus -- python adapter.py     an SDK that brings no kernel along
  stdiobus-conformance sdk --backend docker --image my-kernel -- ./adapter   its kernel in containers
  stdiobus-conformance sdk -k SDK-AGG --report sdk.html -- ./adapter     the rows about streamed text, and a page to look at

The adapter is a small program that makes the calls the kit asks for and tells what came of them. On the backend scripted
the kit is the kernel, at the path that the adapter is given; on the others it is the workers behind the SDK's own kernel.
On docker, which is played only when named, it is either, in containers of an image that has python3 and /bin/sh.
The adapter runs with your rights in an empty temporary folder, is asked to open and close a client for each case, and is ended
afterwards with everything it started.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_running(parser)
    parser.set_defaults(profile="bus")
    add_reporting(parser)
    parser.add_argument(
        "--backend",
        type=names_of((*BACKENDS, DOCKER)),
        default=BACKENDS,
        metavar="NAMES",
        help=f"what the cases are played on, separated by commas (default: {','.join(BACKENDS)}; also: {DOCKER})",
    )
    parser.add_argument(
        "--kernel",
        default="",
        metavar="PATH",
        help="the kernel that the SDK starts on its backend subprocess (default: its own)",
    )
    parser.add_argument(
        "--image",
        default="",
        help="the container image that the SDK starts on its backend docker; python3 and /bin/sh must be in it (default: its own)",
    )


def adapter(command_line: Sequence[str], command: str) -> Target:
    """The adapter that a command line names after the words of a command.

    Raises:
        KitError: it names none, or there is no such program.
    """
    if not command_line:
        message = f"name one adapter: a command after --, as in: stdiobus-conformance {command} -- node adapter.js"
        raise KitError(message)
    return target.from_command(command_line, subject=SDK)


def execute(args: argparse.Namespace) -> int:
    """Judge it."""
    kernel = executable(args.kernel) if args.kernel else ""
    options = replace(options_of(args), transports=args.backend, kernel=kernel, image=args.image)
    judged = adapter(args.command_line, "sdk")
    with Runner(judged, options) as runner:
        about = runner.sdk.description
    if about.fault:
        command = shlex.join(args.command_line)
        message = (
            f"{judged.name}: {about.fault}\nnothing was judged; see: stdiobus-conformance adapter lint -- {command}"
        )
        raise KitError(message)
    judged = replace(judged, name=about.name or judged.name, version=about.version)
    partial = bool(options.select) or not set(BACKENDS) <= set(options.transports)
    run = run_of(args, judged, options, partial=partial)
    return play(replace(run, foreign=args.foreign), args.failures, args.report)
