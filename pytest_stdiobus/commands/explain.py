"""``explain``: everything there is to know about a requirement."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from typing import TYPE_CHECKING

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import bundled_cases
from pytest_stdiobus.kit.catalogue import requirement
from pytest_stdiobus.kit.target import WORKER
from pytest_stdiobus.report.words import LEVEL

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_stdiobus.kit.catalogue import Requirement

HELP = "explain a requirement: the rule, why it matters, an example, the cases that exercise it"
EXAMPLES = """
example:
  stdiobus-conformance explain WRK-08
"""
BASIS = {
    "spec": "a public specification",
    "doc": "public documentation",
    "rel": "public release notes",
    "rpc": "JSON-RPC 2.0",
    "kit": "a choice of this kit, because no public rule exists",
}
WIDTH = 100
SABOTEURS = {".": "saboteur", "kernel": "faulty_kernel --break"}  # how those that a folder declares are run
CASES = 12  # named, of those that exercise it


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("requirement", metavar="ID", help="such as WRK-08; list shows them all")


def execute(args: argparse.Namespace) -> int:
    """Explain it."""
    sys.stdout.writelines(f"{line}\n" for line in _lines(requirement(args.requirement)))
    return 0


def _lines(row: Requirement) -> Iterator[str]:
    yield f"{row.id}   {LEVEL[row.level]}   since {row.since}"
    yield from textwrap.wrap(row.statement, WIDTH)
    yield from _part("rests on", f"{BASIS[row.basis]}: {row.source}")
    yield from _part("why", row.why)
    yield from _part("what to do", row.hint)
    yield from ("", "on the wire", *(f"  {line}" for line in row.example))
    cases = [case for case in bundled_cases() if row.id in case.requirements]
    if cases:
        yield from ("", f"exercised by {len(cases)} cases", *(f"  {case.id}" for case in cases[:CASES]))
    if len(cases) > CASES:
        words = ["--subject", row.subject] if row.subject != WORKER else []
        words += ["--profile", row.profiles[0]] if row.profiles else []
        yield f"  and {len(cases) - CASES} more: {shlex.join(['stdiobus-conformance', 'list', *words, '--cases', '-k', row.id])}"
    yield from _saboteurs(row.id)


def _part(title: str, text: str) -> Iterator[str]:
    yield from ("", title, *(f"  {line}" for line in textwrap.wrap(text, WIDTH)))


def _saboteurs(name: str) -> Iterator[str]:
    """The workers and kernels that break it on purpose."""
    commands: list[str] = []
    for folder, command in SABOTEURS.items():
        declared = data_dir() / "workers" / "saboteurs" / folder / "saboteurs.json"
        saboteurs = json.loads(declared.read_text(encoding="utf-8"))
        commands += [f"{command} {saboteur}" for saboteur, what in saboteurs.items() if what["breaks"] == name]
    if commands:
        yield from ("", "broken on purpose by", *(f"  python -m pytest_stdiobus.workers.{each}" for each in commands))
