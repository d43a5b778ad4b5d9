"""The hooks that a conftest or a plugin can implement; they are called when a run has a worker to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping


@pytest.hookspec
def pytest_stdiobus_cases(config: pytest.Config) -> Iterable[str | os.PathLike[str]]:  # type: ignore[empty-body]
    """Files with cases (``schemas/case``) that are played besides the packaged ones, as items below ``stdiobus::``.

    Cases that lie in folders of tests need no hook: files named ``*.stdiobus.json`` are collected there.

    Args:
        config: of the run; relative paths are relative to its ``rootpath``.
    """


@pytest.hookspec
def pytest_stdiobus_checks(  # type: ignore[empty-body]
    config: pytest.Config,
) -> Mapping[str, Callable[[int], Iterable[Mapping[str, Any]]]]:
    """Functions that make the steps of cases which name them as their ``check``, by that name.

    Each is given the seed of the run, and gives the same steps for the same seed, as a file of a case would have them.

    Args:
        config: of the run.
    """
