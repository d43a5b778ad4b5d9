"""One suite over two packages: this project's client, and the published one where it is installed.

It is written from the published client's documentation. A test asks for `client`; where the two differ it is marked
with `difference` and says with `client.sees` what each of them does.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("documented_worker.py")
OURS, THEIRS = "pytest_stdiobus.bus", "stdiobus"
_SDIST = Path(os.environ.get("STDIOBUS_PUBLISHED") or ROOT / "build" / "published" / "stdiobus-2.2.1")
_KERNEL = _SDIST / "kernel" / "dist" / "linux-amd64" / "stdio_bus"
# A request that is answered is answered at once; one that is not fails the test after this time.
_TIMEOUT_MS = 3_000


@dataclass(frozen=True)
class Client:
    """One of the two packages, on one backend."""

    package: str
    bus: Any
    backend: str

    @property
    def ours(self) -> bool:
        """Whether it is this project's."""
        return self.package == OURS

    @property
    def binary(self) -> str:
        """The kernel program; empty for the one that comes with the package."""
        return str(_KERNEL) if not self.ours and self.backend == "subprocess" else ""

    def sees(self, *, ours: Any, theirs: Any) -> Any:
        """What this package is expected to do."""
        return ours if self.ours else theirs

    def public(self, name: str) -> Any:
        """A public name; some of the published package's stand in its modules only."""
        if self.ours or hasattr(self.bus, name):
            return getattr(self.bus, name)
        modules = (importlib.import_module(f"{self.package}.{module}") for module in ("types", "errors"))
        return next(getattr(module, name) for module in modules if hasattr(module, name))

    def pool(self, pool_id: str = "w", *arguments: str, **options: Any) -> Any:
        """A pool whose worker does what this suite asks for."""
        args = [str(WORKER), *arguments]
        return self.bus.PoolConfig(id=pool_id, command=sys.executable, args=args, **options)

    def arguments(self, *pools: Any, **options: Any) -> dict[str, Any]:
        """The arguments of a bus with these pools."""
        return {
            "config": self.bus.BusConfig(pools=list(pools) or [self.pool()]),
            "backend": self.backend,
            "timeout_ms": _TIMEOUT_MS,
            "subprocess": self.bus.SubprocessOptions(binary_path=self.binary),
            **options,
        }

    def make(self, *pools: Any, **options: Any) -> Any:
        """A bus that has not been started."""
        return self.bus.AsyncStdioBus(**self.arguments(*pools, **options))

    @contextlib.asynccontextmanager
    async def running(self, *pools: Any, **options: Any) -> AsyncIterator[Any]:
        """A started bus; `destroy` ends it, because the published `stop` waits its whole timeout on subprocess."""
        bus = self.make(*pools, **options)
        try:
            await bus.start()
            yield bus
        finally:
            bus.destroy()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", "difference(what, ours=, theirs=): a row of docs/how-to/migrate.md")


@pytest.fixture(params=[OURS, pytest.param(THEIRS, marks=pytest.mark.filterwarnings("ignore"))])
def package(request: pytest.FixtureRequest) -> str:
    """The package under test; the published one is skipped by name where it is missing.

    What it leaves to the garbage collector (its process, for one) raises warnings that are not ours to judge.
    """
    name: str = request.param
    if importlib.util.find_spec(name) is None:
        pytest.skip("stdiobus is not installed: pip install 'pytest-stdiobus[stdiobus]'")
    return name


@pytest.fixture(params=["native", "subprocess"])
def client(request: pytest.FixtureRequest, package: str) -> Client:
    """A package on a backend."""
    if package == THEIRS and request.param == "subprocess" and not _KERNEL.exists():
        pytest.skip("stdiobus is installed without its kernel program: make published")
    return Client(package, importlib.import_module(package), request.param)


@pytest.fixture
def names(package: str) -> Client:
    """A package, for what needs no running bus."""
    return Client(package, importlib.import_module(package), "native")
