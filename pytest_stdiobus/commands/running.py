"""What the commands that run cases share: their options, the run itself, and the report of it."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.asking import prompts
from pytest_stdiobus.commands.progress import Progress
from pytest_stdiobus.kit import baseline
from pytest_stdiobus.kit.catalogue import profile
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.own_cases import read_own_cases
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.through import NOT, STRIP, on_the_bus
from pytest_stdiobus.kit.verdict import Rules
from pytest_stdiobus.report import failures
from pytest_stdiobus.report.build import HARNESS_EXIT, build
from pytest_stdiobus.report.faces import face, write
from pytest_stdiobus.report.masking import Mask
from pytest_stdiobus.report.run import Behind, Run
from pytest_stdiobus.report.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.kit.target import Target

GENERATED = "generated"


def add_reporting(parser: argparse.ArgumentParser) -> None:
    """The options of every command that ends in a verdict."""
    parser.add_argument(
        "--report",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="also write the report: .json, .md, .html, .xml (JUnit); repeatable",
    )
    parser.add_argument("--strict", action="store_true", help="what else would be a warning fails the target")
    parser.add_argument("--known-failures", type=Path, metavar="FILE", help="failures that are expected, with reasons")


def add_profile(parser: argparse.ArgumentParser) -> None:
    """What a worker is judged as."""
    parser.add_argument("--profile", default="bus", help="what the worker claims to be (default: %(default)s)")


def add_running(parser: argparse.ArgumentParser) -> None:
    """The options of every command that plays cases."""
    parser.add_argument(
        "-k",
        dest="select",
        default="",
        metavar="EXPR",
        help="only cases and requirements whose id has this; and, or, not",
    )
    parser.add_argument(
        "--cases",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="also play the case of this file; repeatable",
    )
    parser.add_argument(
        "--repeat", type=at_least(1), default=1, metavar="N", help="play each case N times; what differs is flaky"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of generated cases (default: %(default)s)")
    parser.add_argument(
        "--time-scale", type=factor, default=1.0, metavar="X", help="multiply every deadline, for slow machines"
    )
    parser.add_argument(
        "--failures",
        type=Path,
        default=failures.FOLDER,
        metavar="DIR",
        help="where failures are kept for replay (default: %(default)s)",
    )
    parser.add_argument(
        "--foreign", action="store_true", help="it is somebody else's: say so, and keep breaches of security local"
    )


def options_of(args: argparse.Namespace) -> Options:
    """How to judge, as the command line says it; everything is read before anything runs.

    Raises:
        KitError: something is not valid.
    """
    failures.check(args.failures)
    return Options(
        profile=profile(args.profile).name,
        select=args.select,
        repeat=args.repeat,
        seed=args.seed,
        time_scale=args.time_scale,
        cases=read_own_cases(args.cases),
    )


def run_of(args: argparse.Namespace, target: Target, options: Options, *, partial: bool) -> Run:
    """What will be run and how it counts.

    Raises:
        KitError: the known failures are not valid, or a report cannot be written.
    """
    for file in args.report:
        face(file)
    today = dt.datetime.now(dt.timezone.utc).date()
    known = baseline.read(args.known_failures, target.name, today) if args.known_failures else baseline.Baseline()
    return Run(target, options, Rules(strict=args.strict, partial=partial), known)


def play(run: Run, folder: Path, reports: Sequence[Path], kernel: str = "") -> int:
    """Play the cases, through a bus too where there is a kernel, tell of them, and give the status of the command."""
    results, stopped = _played(run, run.options, folder)
    run = replace(run, stopped=stopped)
    if kernel and not stopped:
        run = _behind(run, results, kernel, folder)
    try:
        return tell(results, run, reports)
    finally:
        if why := failures.save(results, run.target, folder, foreign=run.foreign):
            sys.stderr.write(f"{why}\n")


def _played(run: Run, options: Options, folder: Path) -> tuple[list[CaseResult], str]:
    """What the cases came to, and why not all were played."""
    results: list[CaseResult] = []
    with Runner(run.target, options) as runner:
        cases, examples = runner.cases, options.examples * len(runner.explored)
        if not cases and not examples:
            message = (
                f"no case of the profile {options.profile} has an id with {options.select!r}; list --cases shows them"
            )
            raise KitError(message)
        if number := prompts(cases, run.target, options):
            told = "side effects are your agent's. Ctrl-C stops it."
            sys.stderr.write(f"will send at most {number} prompts; {told}\n")
        progress = Progress(sys.stderr, Mask(run.target.env), len(cases) + len(runner.explored), examples)
        try:
            for case in cases:
                results.append(runner.run_case(case))
                runner.refuse_what_does_not_start(results[-1])
                progress.add(results[-1])
            for result in _explored(runner, folder.absolute().with_name(GENERATED), progress):
                results.append(result)
                progress.add(result)
        except (KeyboardInterrupt, OSError) as error:
            why = f": {error}" if isinstance(error, OSError) else ""
            return results, f"stopped after {len(results)} of {len(cases)} cases{why}"
        finally:
            progress.end()
    return results, ""


def _explored(runner: Runner, folder: Path, progress: Progress) -> Iterator[CaseResult]:
    """What cases come to that are made at random; those that fail are written to a folder."""
    if not runner.explored:
        return
    from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415 - it takes longer to load than the rest

    from pytest_stdiobus.kit.explore.search import Search  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as home:
        set_hypothesis_home_dir(home)  # else it makes a folder where the user is
        for transport in runner.explored:
            yield from Search(runner, transport, folder, progress.tried).run()


def _behind(run: Run, direct: Sequence[CaseResult], kernel: str, folder: Path) -> Run:
    """The same cases through a bus, and without its own members where these make a difference."""
    sys.stderr.write("now through a bus\n")
    forward, stopped = _played(run, replace(run.options, through=kernel), folder)
    strip: list[CaseResult] = []
    if not stopped and on_the_bus(direct, forward) == NOT:
        sys.stderr.write("now with envelope strip\n")
        strip, stopped = _played(run, replace(run.options, through=kernel, envelope=STRIP), folder)
    return replace(run, stopped=stopped) if stopped else replace(run, bus=Behind(kernel, forward, strip))


def tell(results: Sequence[CaseResult], run: Run, reports: Sequence[Path]) -> int:
    """Print the report, write its files, and give the status of the command: ours where a file cannot be written."""
    report = build(results, run)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    sys.stdout.write(Terminal(colour=colour).text(report))
    sys.stdout.flush()
    unwritten = write([report], reports)
    sys.stderr.writelines(f"{why}\n" for why in unwritten)
    return report["verdict"]["exit"] or (HARNESS_EXIT if unwritten else 0)


def names_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A reader of known names that are separated by commas."""

    def names(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if unknown := sorted(set(found) - set(known)):
            message = f"{unknown[0]!r} is none of {','.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return found

    return names


def at_least(least: int) -> Callable[[str], int]:
    """A reader of whole numbers that are not smaller."""

    def number(text: str) -> int:
        with contextlib.suppress(ValueError):
            if int(text) >= least:
                return int(text)
        message = f"expected a whole number from {least}, got {text!r}"
        raise argparse.ArgumentTypeError(message)

    return number


def factor(text: str) -> float:
    """What a deadline can be multiplied by."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    message = f"expected a number above 0, got {text!r}"
    raise argparse.ArgumentTypeError(message)
