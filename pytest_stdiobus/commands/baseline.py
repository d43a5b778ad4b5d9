"""``baseline``: keep the file of known failures up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import baseline, schemas
from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.kit.result import BROKEN, Finding, Outcome
from pytest_stdiobus.report import model

if TYPE_CHECKING:
    import argparse

HELP = "add the failures of a report to the known ones, or take away those that nothing needs any more"
UPDATE = "update"
ACTIONS = {
    UPDATE: "add the failures of a report to the known ones",
    "prune": "take away what a report of a whole run does not need any more",
}
EXAMPLES = """
examples:
  stdiobus-conformance worker --report r.json -- python my_agent.py
  stdiobus-conformance baseline update known.json --from r.json --reason "being repaired" --ticket AG-12
  stdiobus-conformance worker --known-failures known.json -- python my_agent.py
  stdiobus-conformance baseline prune known.json --from r.json
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="what", required=True, metavar="ACTION")
    for name, told in ACTIONS.items():
        action = actions.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.", allow_abbrev=False)
        action.add_argument(
            "file", type=Path, metavar="FILE", help="the file of known failures; update makes it where there is none"
        )
        action.add_argument(
            "--from", dest="report", type=Path, required=True, metavar="REPORT.json", help="what a run came to"
        )
        if name == UPDATE:
            action.add_argument("--reason", default="", help="why the failures are accepted for now; it must be given")
            action.add_argument("--ticket", default="", help="where their repair is tracked")
            action.add_argument(
                "--expires", default="", metavar="YYYY-MM-DD", help="the last day on which they are accepted"
            )


def execute(args: argparse.Namespace) -> int:
    """Change the file, and say how."""
    if args.what == UPDATE and not args.reason:
        message = "nothing was written: give --reason TEXT, why the failures are accepted for now"
        raise KitError(message)
    report = model.read(args.report)
    findings = [
        (finding["case"], Finding(row["id"], Outcome(finding["outcome"])))
        for row in report["requirements"]
        for finding in row["findings"]
    ]
    entries = _entries(args)
    known = [baseline.known(entry) for entry in entries]
    target = report["target"]["name"]
    if args.what == UPDATE:
        failed = [(case, finding.requirement) for case, finding in findings if finding.outcome in BROKEN]
        added = [
            _entry(args, case, name) for case, name in failed if not any(entry.names(case, name) for entry in known)
        ]
        _write(args.file, [*entries, *added])
        sys.stdout.write(f"{args.file}: {len(added)} added, {len(entries)} kept\n")
        return 0
    if not report["baseline"]["decided"]:
        message = f"{args.report}: is of a selection, so nobody knows what the rest would need; run everything"
        raise KitError(message)
    kept = [
        entry
        for entry, read in zip(entries, known, strict=True)
        if read.target not in {"", target} or not read.is_stale(findings)
    ]
    _write(args.file, kept)
    sys.stdout.write(f"{args.file}: {len(entries) - len(kept)} taken away, {len(kept)} kept\n")
    return 0


def _entries(args: argparse.Namespace) -> list[dict[str, Any]]:
    if args.what == UPDATE and not args.file.exists():
        return []
    entries: list[dict[str, Any]] = schemas.load(args.file, "known-failures")["known_failures"]
    return entries


def _entry(args: argparse.Namespace, case: str, requirement: str) -> dict[str, Any]:
    optional = {"ticket": args.ticket, "expires": args.expires}
    entry = {"requirement": requirement, "case": case, "reason": args.reason}
    return {**entry, **{key: value for key, value in optional.items() if value}}


def _write(file: Path, entries: list[dict[str, Any]]) -> None:
    content = {"known_failures": entries}
    if faults := schemas.faults(content, schemas.schema("known-failures")):
        raise DataError(str(file), [*faults, "nothing was written: give --expires as YYYY-MM-DD"])
    try:
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror}"
        raise KitError(message) from None
