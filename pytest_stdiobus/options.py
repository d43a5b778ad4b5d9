"""The plugin's options: one table, one getter per setting, the command line beats the ini file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pytest


class Option(NamedTuple):
    """A command line option and its ini twin."""

    name: str
    default: str
    help: str

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name}"

    @property
    def ini(self) -> str:
        """The key in the ini file."""
        return self.name.replace("-", "_")

    def is_given(self, config: pytest.Config) -> bool:
        """Whether the user chose anything."""
        return bool(config.getoption(self.ini) is not None or config.getini(self.ini))

    def value(self, config: pytest.Config) -> str:
        """What the user chose."""
        given: str | None = config.getoption(self.ini)
        return given if given is not None else str(config.getini(self.ini) or self.default)


BACKEND = Option(
    "stdiobus-backend",
    "auto",
    "backend of the stdiobus fixtures: auto, native, subprocess, docker, a comma list, or all",
)
BINARY = Option("stdiobus-binary", "", "kernel executable that the subprocess backend runs in place of the bundled one")
LIBRARY = Option(
    "stdiobus-library",
    "",
    "shared library with the embedding API that the native backend loads in place of the bundled one",
)
IMAGE = Option("stdiobus-image", "stdiobus-kernel", "container image that the docker backend runs")
SDK = Option(
    "stdiobus-sdk",
    "reference",
    "client that the fixtures hand out: reference, stdiobus (the published package), or module:attribute",
)
OPTIONS = (BACKEND, BINARY, LIBRARY, IMAGE, SDK)


def add_options(parser: pytest.Parser) -> None:
    """Offer every option of the table."""
    group = parser.getgroup("stdiobus")
    for option in OPTIONS:
        group.addoption(option.flag, dest=option.ini, default=None, metavar="VALUE", help=option.help)
        parser.addini(option.ini, option.help, default=None)


def any_given(config: pytest.Config) -> bool:
    """Whether the user chose anything at all; if not, the defaults hold, and there is nothing to check."""
    return any(option.is_given(config) for option in OPTIONS)
