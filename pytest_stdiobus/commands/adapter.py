"""``adapter``: the tools for who writes the adapter of an SDK."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.commands.running import factor
from pytest_stdiobus.commands.sdk import adapter
from pytest_stdiobus.kit.adapters import export
from pytest_stdiobus.kit.adapters.lint import lint
from pytest_stdiobus.kit.adapters.result import Blame
from pytest_stdiobus.kit.adapters.smoke import smoke
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.report.masking import Mask
from pytest_stdiobus.report.transcript import transcript

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_stdiobus.kit.adapters.result import Check, Outcome
    from pytest_stdiobus.kit.target import Target

HELP = "write, lint and try the adapter of an SDK: the small program through which the kit drives it"
EXAMPLES = """
examples:
  stdiobus-conformance adapter export node adapters/    one to begin with: python, rust, node, reference
  stdiobus-conformance adapter lint -- node adapter.js  does it keep to the protocol? No bus is opened
  stdiobus-conformance adapter smoke -- node adapter.js does it reach its SDK? A few calls to a peer that is well-behaved

An adapter reads commands from stdin and writes answers and events to stdout, one JSON object a line
(schemas/adapter.schema.json). lint judges the adapter alone. smoke opens a bus with every backend that it describes, and tells
a broken adapter from a bad SDK. The status is 0 when all is well, 1 when the adapter has to be mended, 3 when the adapter
keeps to the protocol and something behind it fails.
"""
EXPORT = "export"
ACTIONS = {
    EXPORT: "write the files of an adapter to begin with",
    "lint": "judge the adapter that the command after -- runs, alone",
    "smoke": "open a bus with every backend of the adapter that the command after -- runs, and make a few calls",
}
BROKEN, BAD_SDK = 1, 3
MARKS = {Blame.NOBODY: "ok", Blame.ADAPTER: "FAIL", Blame.SDK: "SDK", Blame.SKIPPED: "skip"}
INDENT = " " * 5


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, told in ACTIONS.items():
        action = actions.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.", allow_abbrev=False)
        if name == EXPORT:
            action.add_argument("name", nargs="?", default="", metavar="NAME", help="which adapter to export")
            action.add_argument("folder", nargs="?", default="", metavar="DIR", help="where its files are written")
        else:
            action.add_argument(
                "--time-scale", type=factor, default=1.0, metavar="X", help="multiply every deadline, for slow machines"
            )


def execute(args: argparse.Namespace) -> int:
    """Do one of the three."""
    if args.action == EXPORT:
        return _export(args.name, args.folder)
    judged = adapter(args.command_line, f"adapter {args.action}")
    look = {"lint": lint, "smoke": smoke}[args.action]
    return _tell(judged, look(judged, time_scale=args.time_scale))


def _export(name: str, folder: str) -> int:
    if not name or not folder:
        message = f"name an adapter and a folder: adapter export NAME DIR; there are {', '.join(export.names())}"
        raise KitError(message)
    for file in export.export(name, Path(folder)):
        sys.stdout.write(f"{file}\n")
    sys.stdout.write(f"\n{export.advice(name)}\n")
    return 0


def _tell(judged: Target, outcome: Outcome) -> int:
    sys.stdout.writelines(f"{line}\n" for line in _lines(judged, outcome))
    if outcome.blamed(Blame.ADAPTER):
        return BROKEN
    return BAD_SDK if outcome.blamed(Blame.SDK) else 0


def _lines(judged: Target, outcome: Outcome) -> Iterator[str]:
    for check in outcome.checks:
        yield from _check(check)
    if outcome.blamed(Blame.ADAPTER) or outcome.blamed(Blame.SDK):
        yield from _transcripts(judged, outcome)
    yield f"\n{_verdict(outcome)}"


def _check(check: Check) -> Iterator[str]:
    yield f"{MARKS[check.blame]:<4} {check.name}: {check.rule}"
    yield from (f"{INDENT}{line}" for line in check.said.splitlines())
    if check.hint and check.said:
        yield f"{INDENT}try: {check.hint}"


def _transcripts(judged: Target, outcome: Outcome) -> Iterator[str]:
    for about, history in outcome.histories.items():
        entries, cut = transcript(history, "adapter", (), Mask(judged.env))
        yield f"\n{about}"
        for entry in entries:
            way = f"{entry['from']} -> {entry['to']}" if entry["to"] else entry["from"]
            yield f"  {entry['ms'] / 1000:+.3f} {way}  {entry['text']}"
        if cut:
            yield f"  and {cut} more in the middle"


def _verdict(outcome: Outcome) -> str:
    broken, bad = outcome.blamed(Blame.ADAPTER), outcome.blamed(Blame.SDK)
    if broken:
        return f"the adapter has to be mended: {', '.join(check.name for check in broken)}\nexit {BROKEN}"
    if bad:
        names = ", ".join(check.name for check in bad)
        told = "the adapter keeps to the protocol; what is behind it fails: the SDK, or how the adapter calls it"
        return f"{told}: {names}\nexit {BAD_SDK}"
    return "the adapter is sound\nexit 0"
