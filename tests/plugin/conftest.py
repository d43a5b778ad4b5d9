"""Tests of the plugin run pytest inside pytest."""

from __future__ import annotations

import hypothesis.internal.observability  # noqa: F401 - its plugin imports it in every run that has not got it: a second each
import pytest

INI = """\
[pytest]
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture(autouse=True)
def _inner_options(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give them an ini file of their own, and no warning that this process has already imported the plugin."""
    pytester.makefile(".ini", pytest=INI)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-W 'ignore:Module already imported:pytest.PytestAssertRewriteWarning'")
