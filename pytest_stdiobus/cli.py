"""The command ``stdiobus-conformance``."""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import os
import re
import sys
import traceback
from typing import TYPE_CHECKING

from pytest_stdiobus.commands import (
    adapter,
    baseline,
    compare,
    explain,
    judge,
    kernel,
    listing,
    record,
    replay,
    sdk,
    worker,
)
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.report.masking import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

COMMANDS: dict[str, ModuleType] = {
    "worker": worker,
    "kernel": kernel,
    "sdk": sdk,
    "adapter": adapter,
    "list": listing,
    "explain": explain,
    "judge": judge,
    "replay": replay,
    "record": record,
    "compare": compare,
    "baseline": baseline,
}
USAGE, OURS = 2, 4
DESCRIPTION = "Judges programs that speak to stdio_bus: what they do is compared with public rules, and every finding shows its evidence."
EPILOG = """
example:
  stdiobus-conformance worker -- python my_agent.py
  stdiobus-conformance kernel --binary ./stdio_bus
  stdiobus-conformance sdk -- node adapter.js

exit status: 0 conformant, or a selection without failure; 1 not conformant; 2 wrong use; 3 incomplete, or nothing judged;
4 the kit itself failed, or a report could not be written
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; what it gives is the status of the process."""
    words = list(sys.argv[1:] if argv is None else argv)
    before, command_line = _parted(words)
    parser, commands = _parser()
    args, unknown = parser.parse_known_args(before)
    if unknown:
        parser.error(f"{' '.join(unknown)!r} is not an option; {_hint(unknown[0], args.command, commands)}")
    args.command_line = command_line
    try:
        return _done(int(COMMANDS[args.command].execute(args)))
    except BrokenPipeError:  # whoever read the output, as in `| head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OURS
    except KitError as error:
        _complain(str(error))
        return USAGE
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return OURS
    except Exception:  # noqa: BLE001 - whatever it is, it is ours and not the target's
        _complain(traceback.format_exc())
        _complain("This is a mistake of the kit, not of what it judged: please report it with the lines above.")
        return OURS


def _hint(word: str, command: str, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """What was meant by a word that a command does not know."""
    if not word.startswith("-"):
        return "the command stands after --, as in: stdiobus-conformance worker -- python my_agent.py"
    known = re.findall(r"--[a-z-]+", commands[command].format_usage())
    near = difflib.get_close_matches(word.partition("=")[0], known, 1)
    return f"did you mean {near[0]}?" if near else f"stdiobus-conformance {command} --help shows them"


def _complain(text: str) -> None:
    """Say what is wrong, in lines that may quote a file or a program of somebody else's."""
    sys.stderr.writelines(f"{printable(line)}\n" for line in text.splitlines())


def _done(status: int) -> int:
    """The status, once all output has been taken."""
    sys.stdout.flush()
    return status


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """What is before the first ``--``, and the command after it."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _parser() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser, and that of each command."""
    parser = argparse.ArgumentParser(
        prog="stdiobus-conformance",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = importlib.metadata.version("pytest-stdiobus")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        added = commands.add_parser(
            name,
            help=module.HELP,
            description=f"{module.HELP[0].upper()}{module.HELP[1:]}.",
            epilog=module.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add(added)
    return parser, commands.choices
