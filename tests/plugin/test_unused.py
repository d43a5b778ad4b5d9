"""A run in which no test asks for a bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

LOADED = "loaded.txt"
# What a run loads of this package; everything else of it, and what it needs, costs time.
LIGHT = {"plugin", "fixtures", "header", "hookspecs", "options", "stash", "loops", "data"}
HEAVY = {"cffi", "_cffi_backend", "jsonschema", "hypothesis"}
NOTES_IMPORTS = f"""
    import sys

    import pytest

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish():
        with open({LOADED!r}, "w") as notes:
            notes.write("\\n".join(sys.modules))
"""


@pytest.fixture
def notes(pytester: pytest.Pytester) -> Path:
    """Where a run notes which modules it has loaded; a process of its own, as this one has the client."""
    pytester.makeconftest(NOTES_IMPORTS)
    return pytester.path / LOADED


def test_it_loads_neither_the_client_nor_what_that_needs(pytester: pytest.Pytester, notes: Path) -> None:
    pytester.makepyfile("async def test_asyncio(): pass\n\ndef test_it(tmp_path): pass")
    result = pytester.runpytest_subprocess("--asyncio-mode=auto")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["stdiobus: backend auto | kernel * (bundled, *) | client reference"])
    loaded = set(notes.read_text(encoding="utf-8").splitlines())
    ours = {name.removeprefix("pytest_stdiobus.") for name in loaded if name.startswith("pytest_stdiobus.")}
    assert ours == LIGHT
    assert not loaded & HEAVY


def test_a_test_that_asks_for_a_bus_loads_the_client(pytester: pytest.Pytester, notes: Path) -> None:
    pytester.makepyfile("def test_it(stdiobus_sync): pass")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    assert "pytest_stdiobus.bus" in notes.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("place", ["command", "ini"])
def test_an_option_is_checked_although_no_test_asks_for_a_bus(pytester: pytest.Pytester, place: str) -> None:
    pytester.makepyfile("def test_it(): pass")
    if place == "ini":
        pytester.makefile(".ini", pytest="[pytest]\nstdiobus_backend = carrier-pigeon")
    result = pytester.runpytest(*["--stdiobus-backend=carrier-pigeon"] * (place == "command"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'carrier-pigeon' is not a backend*"])
