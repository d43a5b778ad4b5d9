"""The pytest hooks, and nothing else."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import BackendMode, StdioBusError
from pytest_stdiobus.bus.backends.binary import resolve_binary
from pytest_stdiobus.bus.backends.native import native_version
from pytest_stdiobus.options import BINARY, IMAGE, LIBRARY, add_options, selected_backends
from pytest_stdiobus.sdk import client_name, selected_client
from pytest_stdiobus.testing.report import attach, explain

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = ["pytest_stdiobus.fixtures"]

_ASYNC_FIXTURES = frozenset({"stdiobus", "make_stdiobus"})
_SHOWN_DIGITS = 8


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and refuse options that cannot work before anything runs."""
    config.addinivalue_line(
        "markers",
        "stdiobus(pools=..., limits=..., orphans=True): pools and limits of the bus that the stdiobus "
        "fixture starts, and whether processes that its workers leave behind are an error",
    )
    selected_backends(config)
    selected_client(config)


def pytest_report_header(config: pytest.Config) -> str:
    """Say which backend and which kernel the tests run on."""
    names = [backend.name for backend in selected_backends(config) if backend.obstacle is None]
    return f"stdiobus: backend {', '.join(names)} | kernel {_kernel(config)} | client {client_name(config)}"


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_pycollect_makeitem() -> Generator[None, Any, Any]:
    """Let a coroutine test that asks for a bus run on asyncio, unless it says where it runs.

    It happens before pytest-asyncio looks at the marks, hence ``trylast``: the innermost wrapper.
    """
    collected = yield
    for item in collected if isinstance(collected, list) else [collected]:
        if isinstance(item, pytest.Function) and _needs_mark(item, item.fixturenames):
            item.add_marker(pytest.mark.asyncio)
    return collected


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once per backend when several are selected."""
    if _needs_mark(metafunc.definition, metafunc.fixturenames):
        metafunc.definition.add_marker(pytest.mark.asyncio)
    selected = selected_backends(metafunc.config)
    if "stdiobus_backend" not in metafunc.fixturenames or len(selected) == 1 or _is_overridden(metafunc):
        return
    parameters = [
        pytest.param(
            backend.name,
            marks=[pytest.mark.skip(reason=f"{backend.name}: {backend.obstacle}")] * bool(backend.obstacle),
        )
        for backend in selected
    ]
    metafunc.parametrize("stdiobus_backend", parameters, indirect=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show in the report of a failing test what its buses did, whether or not it asked for that."""
    if call.excinfo is not None:
        explain(item, call.excinfo.value)
    report = yield
    if report.failed:
        attach(item, report)
    return report


def _needs_mark(item: pytest.Function, fixturenames: list[str]) -> bool:
    if _ASYNC_FIXTURES.isdisjoint(fixturenames):
        return False
    if any(item.get_closest_marker(name) is not None for name in ("asyncio", "anyio")):
        return False
    function = getattr(item.obj, "hypothesis", None)
    return inspect.iscoroutinefunction(function.inner_test if function is not None else item.obj)


def _is_overridden(metafunc: pytest.Metafunc) -> bool:
    """Whether a user's own ``stdiobus_backend`` already has parameters."""
    definitions = getattr(metafunc, "_arg2fixturedefs", {}).get("stdiobus_backend", ())
    return bool(definitions) and definitions[-1].params is not None


def _kernel(config: pytest.Config) -> str:
    names = {backend.name for backend in selected_backends(config)}
    library = LIBRARY.value(config)
    if library and names <= {BackendMode.NATIVE.value, BackendMode.AUTO.value}:
        return f"{native_version(library) or 'of unknown version'} ({library}{_digest(library)})"
    if names == {BackendMode.NATIVE.value}:
        return f"{native_version()} (bundled library)" if selected_client(config) is None else "of the client"
    if names == {BackendMode.DOCKER.value}:
        return f"of the image {IMAGE.value(config)}"
    try:
        binary = resolve_binary(BINARY.value(config))
    except StdioBusError:
        return "none"
    if binary.bundled:
        return f"{native_version()} (bundled{_digest(binary.path)})"
    return f"{binary.path} ({_digest(binary.path).removeprefix(', ')})"


def _digest(path: str) -> str:
    """The first digits of a file's digest; nothing where the system finds the file elsewhere."""
    if not Path(path).is_file():
        return ""
    return f", {hashlib.sha256(Path(path).read_bytes()).hexdigest()[:_SHOWN_DIGITS]}..."
