"""The plugin's options: one table, one getter per setting, the command line beats the ini file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BackendMode, DockerOptions, NativeOptions, SubprocessOptions
from pytest_stdiobus.bus.backends import backend_obstacle

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all"


@dataclass(frozen=True)
class Option:
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
_SELECTED = pytest.StashKey["Sequence[SelectedBackend]"]()


@dataclass(frozen=True)
class SelectedBackend:
    """A backend that tests run on, and why it cannot be used here if it is to be skipped."""

    name: str
    obstacle: str | None = None


def add_options(parser: pytest.Parser) -> None:
    """Offer every option of the table."""
    group = parser.getgroup("stdiobus")
    for option in OPTIONS:
        group.addoption(option.flag, dest=option.ini, default=None, metavar="VALUE", help=option.help)
        parser.addini(option.ini, option.help, default=None)


def native_options(config: pytest.Config) -> NativeOptions:
    """The options of the native backend that follow from the user's."""
    return NativeOptions(library_path=LIBRARY.value(config))


def subprocess_options(config: pytest.Config) -> SubprocessOptions:
    """The options of the subprocess backend that follow from the user's."""
    return SubprocessOptions(binary_path=BINARY.value(config))


def docker_options(config: pytest.Config) -> DockerOptions:
    """The options of the docker backend that follow from the user's."""
    return DockerOptions(image=IMAGE.value(config))


def selected_backends(config: pytest.Config) -> Sequence[SelectedBackend]:
    """The backends to run on, in the order given.

    A backend that was named must be available; of ``all``, those that are not are skipped visibly;
    ``auto`` is decided when a bus is made.

    Raises:
        pytest.UsageError: a value that is not a backend, or a named backend that cannot be used here.
    """
    if _SELECTED not in config.stash:
        config.stash[_SELECTED] = _select(config)
    return config.stash[_SELECTED]


def _select(config: pytest.Config) -> Sequence[SelectedBackend]:
    given = BACKEND.value(config)

    def obstacle_of(name: str) -> str | None:
        return backend_obstacle(BackendMode(name), subprocess_options(config), native=native_options(config))

    concrete = [mode.value for mode in BackendMode if mode is not BackendMode.AUTO]
    if given == ALL:
        return [SelectedBackend(name, obstacle_of(name)) for name in concrete]
    selected = []
    for name in dict.fromkeys(part.strip() for part in given.split(",")):
        if name not in [mode.value for mode in BackendMode]:
            message = f"{BACKEND.flag}: {name!r} is not a backend; use auto, {', '.join(concrete)}, a comma list or all"
            raise pytest.UsageError(message)
        if (obstacle := obstacle_of(name)) is not None:
            message = f"{BACKEND.flag}: {name} cannot be used: {obstacle}"
            raise pytest.UsageError(message)
        selected.append(SelectedBackend(name))
    return selected
