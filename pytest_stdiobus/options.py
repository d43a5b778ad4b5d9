"""The plugin's options: one table, one getter per setting, the command line beats the ini file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEXT, FLAG, LIST = "string", "bool", "linelist"  # as pytest calls the kinds of ini values
_PARSED: dict[str, dict[str, Any]] = {
    TEXT: {"metavar": "VALUE"},
    FLAG: {"action": "store_const", "const": True},
    LIST: {"action": "append", "metavar": "VALUE"},
}


class Option(NamedTuple):
    """A command line option and its ini twin."""

    name: str
    default: str
    help: str
    kind: str = TEXT

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name}"

    @property
    def ini(self) -> str:
        """The key in the ini file."""
        return self.name.replace("-", "_")

    def is_on_command_line(self, config: pytest.Config) -> bool:
        """Whether it stands on the command line."""
        return config.getoption(self.ini) is not None

    def is_given(self, config: pytest.Config) -> bool:
        """Whether the user chose anything."""
        return bool(self.is_on_command_line(config) or config.getini(self.ini))

    def value(self, config: pytest.Config) -> str:
        """What the user chose."""
        given: str | None = config.getoption(self.ini)
        return given if given is not None else str(config.getini(self.ini) or self.default)

    def is_on(self, config: pytest.Config) -> bool:
        """Whether a flag is set."""
        return bool(self._given(config))

    def values(self, config: pytest.Config) -> list[str]:
        """What the user chose, of an option that may stand several times."""
        return list(self._given(config) or ())

    def folder(self, config: pytest.Config) -> Path:
        """What paths in its value are relative to: the folder of the run, or that of the ini file."""
        if config.inipath is not None and not self.is_on_command_line(config):
            return config.inipath.parent
        return config.invocation_params.dir

    def _given(self, config: pytest.Config) -> Any:
        given = config.getoption(self.ini)
        return config.getini(self.ini) if given is None else given


BACKEND = Option(
    "stdiobus-backend",
    "auto",
    "backend of the stdiobus fixtures: auto, native, subprocess, docker, a comma list, or all",
)
BINARY = Option(
    "stdiobus-binary",
    "",
    "kernel executable that the subprocess backend, which auto then is, runs in place of the bundled one",
)
LIBRARY = Option(
    "stdiobus-library",
    "",
    "shared library with the embedding API that the native backend, which auto then is, loads in place of the bundled one",
)
IMAGE = Option("stdiobus-image", "stdiobus-kernel", "container image that the docker backend runs")
SDK = Option(
    "stdiobus-sdk",
    "reference",
    "client that the fixtures hand out: reference, stdiobus (the published package), or module:attribute",
)
PROGRESS = Option(
    "stdiobus-progress",
    "",
    "show on a terminal what a test waits for: a bus that starts, requests without an answer",
    FLAG,
)
WORKER = Option("stdiobus-worker", "", "command of a worker to judge: its cases are added to the run")
TARGET = Option(
    "stdiobus-target", "", "file that describes what to judge, such as a worker with its probes, or a kernel"
)
PROFILE = Option("stdiobus-profile", "bus", "what the judged worker claims to be: bus, acp or mcp")
STRICT = Option("stdiobus-strict", "", "what would be a warning about the judged worker is a failure", FLAG)
KNOWN_FAILURES = Option(
    "stdiobus-known-failures", "", "file of failures that are expected of the judged worker, with reasons"
)
REPEAT = Option("stdiobus-repeat", "1", "how often each case is played; what differs is flaky")
SEED = Option("stdiobus-seed", "0", "seed of generated cases")
TIME_SCALE = Option("stdiobus-time-scale", "1", "factor on every deadline of a case, for slow machines")
REPORT = Option("stdiobus-report", "", "file to write the verdict on the judged worker to; repeatable", LIST)
BUS_OPTIONS = (BACKEND, BINARY, LIBRARY, IMAGE, SDK)
KIT_OPTIONS = (WORKER, TARGET, PROFILE, STRICT, KNOWN_FAILURES, REPEAT, SEED, TIME_SCALE, REPORT)
OPTIONS = (*BUS_OPTIONS, PROGRESS, *KIT_OPTIONS)
SUITE = "pytest_stdiobus.suite"  # the package whose name, after --pyargs, selects the packaged cases alone


def add_options(parser: pytest.Parser) -> None:
    """Offer every option of the table."""
    group = parser.getgroup("stdiobus")
    for option in OPTIONS:
        group.addoption(option.flag, dest=option.ini, default=None, help=option.help, **_PARSED[option.kind])
        parser.addini(option.ini, option.help, type=option.kind, default=None)  # type: ignore[arg-type]


def any_given(config: pytest.Config) -> bool:
    """Whether the user chose anything about buses; if not, the defaults hold, and there is nothing to check."""
    return any(option.is_given(config) for option in BUS_OPTIONS)


def judges(config: pytest.Config) -> bool:
    """Whether the run has something to judge, or asks for something that needs one."""
    return (
        WORKER.is_given(config)
        or TARGET.is_given(config)
        or any(option.is_on_command_line(config) for option in KIT_OPTIONS)
        or SUITE in config.args
    )
