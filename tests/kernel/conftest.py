# SPDX-License-Identifier: Apache-2.0
"""Thin fixtures over the harness, and the marks of this folder."""

from collections.abc import Generator, Iterator

import pytest

from .harness import Rig

_RIG = pytest.StashKey[Rig]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    config.addinivalue_line("markers", "transports(*names): where a test runs: unix (default), tcp, stdio, embedded")
    config.addinivalue_line("markers", "slow: takes more than three seconds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each transport its mark names."""
    own = {name for mark in metafunc.definition.iter_markers("parametrize") for name in _names(mark.args[0])}
    if "transport" in metafunc.fixturenames and "transport" not in own:
        mark = metafunc.definition.get_closest_marker("transports")
        metafunc.parametrize("transport", mark.args if mark else ("unix",))


def _names(argument: "str | list[str] | tuple[str, ...]") -> "list[str]":
    return [name.strip() for name in argument.split(",")] if isinstance(argument, str) else list(argument)


@pytest.fixture
def rig(transport: str, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Give everything a test needs to play both ends of a kernel on one transport."""
    with Rig(transport) as rig:
        request.node.stash[_RIG] = rig
        yield rig


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what crossed the wire to a failure."""
    report = yield
    rig = item.stash.get(_RIG, None)
    if rig is not None and report.failed and call.when == "call" and "-- stderr of kernel" not in report.longreprtext:
        report.sections.append(("transcript", rig.world.transcript()))
    return report
