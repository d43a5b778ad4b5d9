"""What follows from the options: the backends that tests run on, the options of each, and the kernel."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BackendMode, DockerOptions, NativeOptions, StdioBusError, SubprocessOptions
from pytest_stdiobus.bus.backends import backend_obstacle, settled_mode
from pytest_stdiobus.bus.backends.binary import resolve_binary
from pytest_stdiobus.bus.backends.native import native_version
from pytest_stdiobus.header import bundled_executable, digest, package_version
from pytest_stdiobus.options import BACKEND, BINARY, IMAGE, LIBRARY
from pytest_stdiobus.sdk import client_name, selected_client
from pytest_stdiobus.stash import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

ALL = "all"


@dataclass(frozen=True)
class SelectedBackend:
    """A backend that tests run on, and why it cannot be used here if it is to be skipped."""

    name: str
    obstacle: str | None = None


def native_options(config: pytest.Config) -> NativeOptions:
    """The options of the native backend that follow from the user's."""
    return NativeOptions(library_path=LIBRARY.value(config))


def subprocess_options(config: pytest.Config) -> SubprocessOptions:
    """The options of the subprocess backend that follow from the user's."""
    named = BINARY.value(config)
    return SubprocessOptions(binary_path=str(BINARY.folder(config) / named) if os.sep in named else named)


def docker_options(config: pytest.Config) -> DockerOptions:
    """The options of the docker backend that follow from the user's."""
    return DockerOptions(image=IMAGE.value(config))


def selected_backends(config: pytest.Config) -> Sequence[SelectedBackend]:
    """The backends to run on, in the order given.

    A backend that was named must be available; of ``all``, those that are not are skipped visibly;
    ``auto`` is decided when a bus is made, unless a kernel is named.

    Raises:
        pytest.UsageError: a value that is not a backend, or a named backend that cannot be used here.
    """
    if BACKENDS not in config.stash:
        config.stash[BACKENDS] = _select(config)
    return config.stash[BACKENDS]


def check(config: pytest.Config) -> None:
    """Refuse what cannot work.

    Raises:
        pytest.UsageError: the message says what would.
    """
    if binary := subprocess_options(config).binary_path:
        try:
            resolve_binary(binary)
        except StdioBusError as error:
            message = f"{BINARY.flag}: {error.message}"
            raise pytest.UsageError(message) from None
    selected_backends(config)
    selected_client(config)


def shown(config: pytest.Config) -> tuple[str, str, str]:
    """Backends, kernel and client, as the header shows them."""
    backends = [
        f"{backend.name} (skipped)" if backend.obstacle else backend.name for backend in selected_backends(config)
    ]
    return ", ".join(backends), _kernel(config), client_name(config)


def _kernel(config: pytest.Config) -> str:
    names = {backend.name for backend in selected_backends(config)}
    library = LIBRARY.value(config)
    if library and names <= {BackendMode.NATIVE.value, BackendMode.AUTO.value}:
        seen = f", {digest(library)}" if Path(library).is_file() else ""  # the system may find it elsewhere
        return f"{native_version(library) or 'of unknown version'} ({library}{seen})"
    if names == {BackendMode.NATIVE.value}:
        return f"{package_version()} (bundled library)" if selected_client(config) is None else "of the client"
    if names == {BackendMode.DOCKER.value}:
        return f"of the image {IMAGE.value(config)}"
    try:
        binary = resolve_binary(subprocess_options(config).binary_path)
    except StdioBusError:
        return "none"
    return bundled_executable(binary.path) if binary.bundled else f"{binary.path} ({digest(binary.path)})"


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
        try:
            mode = settled_mode(BackendMode(name), native_options(config), subprocess_options(config)).value
        except StdioBusError as error:
            message = f"{BACKEND.flag}: {error.message}"
            raise pytest.UsageError(message) from None
        if (obstacle := obstacle_of(mode)) is not None:
            message = f"{BACKEND.flag}: {mode} cannot be used: {obstacle}"
            raise pytest.UsageError(message)
        selected.append(SelectedBackend(mode))
    return selected
