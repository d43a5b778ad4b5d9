"""A small kernel that keeps the rules, and breaks one where it is told to: ``--break FAULT``.

Run as ``python -I -S workers/saboteurs/kernel --config PATH [--unix PATH | --tcp HOST:PORT] [--break FAULT]``.
"""

from __future__ import annotations

import os
import sys

from bus import Bus
from command_line import CommandLine
from errors import Log
from parts import Parts
from settings import Settings

_BREAK = "--break"


def main(arguments: list[str]) -> int:
    """Run it; the exit status."""
    parts = Parts()
    if _BREAK in arguments:
        from faults import find  # noqa: PLC0415 - an honest kernel need not know its faults

        at = arguments.index(_BREAK)
        parts = Parts(find(arguments[at + 1]))
        arguments = arguments[:at] + arguments[at + 2 :]
    line = parts.of(CommandLine)()
    status = line.read(arguments)
    if status is not None:
        return status
    log = parts.of(Log)()
    settings = parts.of(Settings)()
    try:
        settings.read(_text(line))
    except OSError as error:
        settings.unreadable(error)
    for fault in settings.faults:
        log.say(fault)
    if "--check" in line.given:
        return line.checked(settings.status)
    if settings.faults:
        return settings.status
    try:
        return parts.of(Bus)(settings, parts).run(line)
    except OSError as error:
        log.say(str(error))
        return 1


def _text(line: CommandLine) -> bytes:
    source: str | int = line.given.get("--config") or int(line.given["--config-fd"])
    with open(source, "rb") as file:
        return file.read()


if __name__ == "__main__":
    sys.stdout.flush()
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)
