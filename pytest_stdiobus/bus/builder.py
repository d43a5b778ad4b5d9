"""A bus put together step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus.client import AsyncStdioBus
from pytest_stdiobus.bus.sync import StdioBus

if TYPE_CHECKING:
    import os

    from typing_extensions import Self

    from pytest_stdiobus.bus.config import BusConfig
    from pytest_stdiobus.bus.types import BackendMode, DockerOptions, NativeOptions, SubprocessOptions


class StdioBusBuilder:
    """Collects the arguments of a bus; each step returns the builder. The last word counts."""

    def __init__(self) -> None:
        """Begin with every default."""
        self._arguments: dict[str, Any] = {}

    def config(self, config: BusConfig) -> Self:
        """Pools and limits."""
        return self._with("config", config)

    def config_path(self, path: str | os.PathLike[str]) -> Self:
        """A configuration file in their place."""
        return self._with("config_path", path)

    def backend(self, mode: BackendMode | str) -> Self:
        """How the kernel is reached."""
        return self._with("backend", mode)

    def timeout_ms(self, timeout_ms: float) -> Self:
        """Milliseconds that a request may take."""
        return self._with("timeout_ms", timeout_ms)

    def native_options(self, options: NativeOptions) -> Self:
        """Options of the native backend."""
        return self._with("native", options)

    def subprocess_options(self, options: SubprocessOptions) -> Self:
        """Options of the subprocess backend."""
        return self._with("subprocess", options)

    def docker_options(self, options: DockerOptions) -> Self:
        """Options of the docker backend."""
        return self._with("docker", options)

    native = native_options
    subprocess = subprocess_options
    docker = docker_options

    def build(self) -> AsyncStdioBus:
        """The asyncio client, not started. Raises what its constructor raises."""
        return AsyncStdioBus(**self._arguments)

    def build_sync(self) -> StdioBus:
        """The client without ``await``, not started."""
        return StdioBus(**self._arguments)

    def _with(self, name: str, value: Any) -> Self:
        self._arguments[name] = value
        return self
