"""The command line: what is asked for, or what is wrong with it."""

from __future__ import annotations

import sys

USAGE = """\
usage: kernel (--config PATH | --config-fd N) [--stdio | --unix PATH | --tcp HOST:PORT]
              [--check] [--log-level LEVEL] [--break FAULT] [--version] [--help]
"""
LEVELS = ("debug", "info", "warning", "error")
_HIGHEST_PORT = 65535
_WITH_VALUE = ("--config", "--config-fd", "--unix", "--tcp", "--log-level")
_TRANSPORTS = ("--stdio", "--unix", "--tcp")


class CommandLine:
    """Reads the arguments; an exit status where there is nothing to run."""

    def __init__(self) -> None:
        """Begin with what is the default."""
        self.given: dict[str, str] = {}
        self.transport = "--stdio"
        self.host, self.port = "", 0

    def read(self, arguments: list[str]) -> int | None:
        """The status to exit with, or None to go on."""
        for option, text in (("--help", USAGE), ("--version", "0.1.0\n")):
            if option in arguments:
                sys.stdout.write(text)
                return 0
        try:
            self.take(arguments)
            self.check()
        except ValueError as error:
            sys.stderr.write(f"{error} (see --help)\n")
            return self.wrong_usage()
        return None

    def checked(self, status: int) -> int:
        """The status of a check."""
        return status

    def wrong_usage(self) -> int:
        """The status of a command line that is wrong."""
        return 2

    def take(self, arguments: list[str]) -> None:
        """Take option by option."""
        rest = list(arguments)
        while rest:
            name = rest.pop(0)
            if name not in {*_WITH_VALUE, "--stdio", "--check"}:
                self.unknown(name)
                continue
            if name in self.given:
                message = f"{name} is given twice"
                raise ValueError(message)
            if name in _WITH_VALUE and not rest:
                message = f"a value is missing after {name}"
                raise ValueError(message)
            self.given[name] = rest.pop(0) if name in _WITH_VALUE else ""

    def unknown(self, name: str) -> None:
        """Refuse an option that does not exist."""
        message = f"unknown option {name}"
        raise ValueError(message)

    def check(self) -> None:
        """Refuse what contradicts itself."""
        if ("--config" in self.given) == ("--config-fd" in self.given):
            message = "expected one of --config and --config-fd"
            raise ValueError(message)
        if not self.given.get("--config-fd", "0").isdecimal():
            message = "--config-fd expects the number of a descriptor"
            raise ValueError(message)
        if self.given.get("--log-level", "info") not in LEVELS:
            message = f"--log-level expects one of {', '.join(LEVELS)}"
            raise ValueError(message)
        self.choose_transport()
        if self.transport == "--unix" and not self.given["--unix"]:
            message = "--unix expects a path"
            raise ValueError(message)
        if self.transport == "--tcp":
            self.host, self.port = self.address(self.given["--tcp"])

    def choose_transport(self) -> None:
        """The transport that is named, if any, and no second one."""
        named = [name for name in _TRANSPORTS if name in self.given]
        if len(named) > 1:
            message = "only one of --stdio, --unix and --tcp can be given"
            raise ValueError(message)
        self.transport = named[0] if named else "--stdio"

    def address(self, text: str) -> tuple[str, int]:
        """Host and port."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or int(port) > _HIGHEST_PORT:
            message = "--tcp expects HOST:PORT with a port from 0 to 65535"
            raise ValueError(message)
        return host.strip("[]"), int(port)
