"""How the face joins a run that has a target to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.suite.playing import Playing
from pytest_stdiobus.suite.reporting import Reporting
from pytest_stdiobus.suite.settings import read

if TYPE_CHECKING:
    import pytest


def join(config: pytest.Config) -> None:
    """Register what collects and plays and, but for the workers of pytest-xdist, what reports.

    Raises:
        pytest.UsageError: an option that cannot work.
    """
    settings = read(config)
    config.pluginmanager.register(Playing(settings.run), "stdiobus-playing")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporting(settings, config.rootpath), "stdiobus-reporting")
