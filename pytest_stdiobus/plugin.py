"""The pytest hooks, and nothing else.

What imports the client is imported where it is needed: a run without a bus should not notice that the plugin is there.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus import hookspecs
from pytest_stdiobus.header import header
from pytest_stdiobus.options import PROGRESS, add_options, any_given, judges
from pytest_stdiobus.stash import KERNEL, SCENE

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = ["pytest_stdiobus.fixtures"]

_ASYNC_FIXTURES = frozenset({"stdiobus", "make_stdiobus", "stdiobus_worker"})


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer the hooks."""
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and refuse options that cannot work before anything runs."""
    config.addinivalue_line(
        "markers",
        "stdiobus(pools=..., limits=..., orphans=True): pools and limits of the bus that the stdiobus "
        "fixture starts, and whether processes that its workers leave behind are an error",
    )
    config.addinivalue_line("markers", "stdiobus_conformance: a case that is played against the judged worker")
    if any_given(config):
        from pytest_stdiobus.selection import check  # noqa: PLC0415

        check(config)
    if judges(config):
        from pytest_stdiobus.suite.joining import join  # noqa: PLC0415

        join(config)

    if PROGRESS.is_on(config):
        from pytest_stdiobus.terminal import show_progress  # noqa: PLC0415

        show_progress(config)


def pytest_report_header(config: pytest.Config) -> str:
    """Say which backend and which kernel the tests run on."""
    return header(config)


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
    if "stdiobus_backend" not in metafunc.fixturenames or _is_overridden(metafunc):
        return
    from pytest_stdiobus.selection import selected_backends  # noqa: PLC0415

    selected = selected_backends(metafunc.config)
    if len(selected) == 1:
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
    scene = item.stash.get(SCENE, None)
    if scene is not None and call.excinfo is not None:
        scene.explain(call.excinfo.value)
    report = yield
    if scene is not None and report.failed:
        scene.attach(report)
    if report.failed and (kernel := item.stash.get(KERNEL, None)) is not None:
        from pytest_stdiobus.staging import sections  # noqa: PLC0415

        report.sections.extend(sections(kernel))
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
