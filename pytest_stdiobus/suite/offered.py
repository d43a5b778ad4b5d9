"""Cases and checks of the user's, read and looked through before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import checks
from pytest_stdiobus.kit.case import Case, bundled_cases, read_cases
from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.kit.lint import lint

if TYPE_CHECKING:
    from pathlib import Path


def own_cases(file: Path) -> list[Case]:
    """The case of a file, once for each vector.

    Raises:
        KitError: it is not valid, or has the id of a packaged one; every fault is named.
    """
    if faults := lint([file]):
        message = "\n".join(str(fault) for fault in faults)
        raise KitError(message)
    cases = list(read_cases(file))
    taken = {case.id for case in bundled_cases()}
    if any(case.id in taken for case in cases):
        raise DataError(str(file), [f"$.id: {cases[0].id} is also the id of a packaged case"])
    return cases


def offered_cases(config: pytest.Config) -> tuple[Case, ...]:
    """The cases that hooks name, after the checks that hooks offer are known.

    Raises:
        pytest.UsageError: what a hook gave is not valid.
    """
    try:
        for offered in config.hook.pytest_stdiobus_checks(config=config):
            for name, function in offered.items():
                checks.check(name)(function)
        files = [file for named in config.hook.pytest_stdiobus_cases(config=config) for file in named]
        return tuple(case for file in files for case in own_cases(config.rootpath / file))
    except (KitError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
