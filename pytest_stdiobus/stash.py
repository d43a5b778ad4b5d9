"""The keys under which the plugin keeps what it knows with pytest's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.stage import StagedKernel
    from pytest_stdiobus.scene import Scene
    from pytest_stdiobus.selection import SelectedBackend
    from pytest_stdiobus.testing.clients import Client
    from pytest_stdiobus.testing.progress import Progress

SCENE: pytest.StashKey[Scene] = pytest.StashKey()  # with a test
KERNEL: pytest.StashKey[StagedKernel] = pytest.StashKey()  # with a test
BACKENDS: pytest.StashKey[Sequence[SelectedBackend]] = pytest.StashKey()  # with the configuration
CLIENT: pytest.StashKey[Client | None] = pytest.StashKey()  # with the configuration
PROGRESS: pytest.StashKey[Progress] = pytest.StashKey()  # with the configuration
