"""The ways to reach a kernel, and the choice among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.bus.backends.docker import DockerBackend
from pytest_stdiobus.bus.backends.engine import engine_obstacle
from pytest_stdiobus.bus.backends.native import NativeBackend, native_obstacle
from pytest_stdiobus.bus.backends.subprocess import SubprocessBackend, subprocess_obstacle
from pytest_stdiobus.bus.errors import InvalidArgumentError, UnavailableError
from pytest_stdiobus.bus.types import BackendMode, DockerOptions, ListenMode, NativeOptions, SubprocessOptions

if TYPE_CHECKING:
    from pytest_stdiobus.bus.backends.base import Backend, Sink
    from pytest_stdiobus.bus.config import KernelConfig

_AUTO = (BackendMode.SUBPROCESS, BackendMode.NATIVE, BackendMode.DOCKER)


def backend_obstacle(
    mode: BackendMode,
    subprocess: SubprocessOptions | None = None,
    docker: DockerOptions | None = None,
    native: NativeOptions | None = None,
) -> str | None:
    """Why a backend cannot be used here and what to do about it, or None when it can."""
    if mode is BackendMode.NATIVE:
        return native_obstacle(native or NativeOptions())
    if mode is BackendMode.SUBPROCESS:
        return subprocess_obstacle(subprocess or SubprocessOptions())
    if mode is BackendMode.DOCKER:
        return engine_obstacle((docker or DockerOptions()).engine_path)
    return None


def settled_mode(mode: BackendMode, native: NativeOptions, subprocess: SubprocessOptions) -> BackendMode:
    """The mode; ``auto`` is the one that runs the library or the executable that was named, which nothing replaces.

    Raises:
        InvalidArgumentError: both are named, and ``auto`` cannot tell which one is meant.
    """
    if mode is not BackendMode.AUTO:
        return mode
    if native.library_path and subprocess.binary_path:
        message = (
            f"auto runs one kernel, and two are named: the library {native.library_path} and the executable "
            f"{subprocess.binary_path}; choose native or subprocess"
        )
        raise InvalidArgumentError(message)
    if native.library_path:
        return BackendMode.NATIVE
    return BackendMode.SUBPROCESS if subprocess.binary_path else mode


def create_backend(
    mode: BackendMode | str,
    config: KernelConfig,
    sink: Sink,
    *,
    native: NativeOptions,
    subprocess: SubprocessOptions,
    docker: DockerOptions,
) -> Backend:
    """The backend for a mode; ``auto`` takes that of a kernel that is named, else subprocess, else native, else docker.

    A listener needs native.

    Raises:
        InvalidArgumentError: no such mode, a listener with another backend than native, an impossible option, two kernels for ``auto``.
        UnavailableError: the backend cannot be used here; the message says why and what to install.
    """
    try:
        wanted = BackendMode(mode)
    except ValueError as error:
        message = f"backend: {error}; backends: {', '.join(member.value for member in BackendMode)}"
        raise InvalidArgumentError(message) from error
    native.validate()
    wanted = settled_mode(wanted, native, subprocess)
    listen = ListenMode(native.listen_mode)
    if listen is not ListenMode.NONE:
        if wanted not in {BackendMode.AUTO, BackendMode.NATIVE}:
            message = f"a {listen.value} listener needs the native backend, not {wanted.value}"
            raise InvalidArgumentError(message)
        wanted = BackendMode.NATIVE
    candidates = _AUTO if wanted is BackendMode.AUTO else (wanted,)
    obstacles = []
    for candidate in candidates:
        obstacle = backend_obstacle(candidate, subprocess, docker, native)
        if obstacle is None:
            if candidate is BackendMode.NATIVE:
                return NativeBackend(config, sink, native)
            if candidate is BackendMode.DOCKER:
                return DockerBackend(config, sink, docker)
            return SubprocessBackend(config, sink, subprocess)
        obstacles.append(f"{candidate.value}: {obstacle}")
    message = "; ".join(obstacles)
    raise UnavailableError(message)
