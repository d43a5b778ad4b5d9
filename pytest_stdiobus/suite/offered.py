"""Cases and checks of the user's, read and looked through before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import checks
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.own_cases import read_own_cases

if TYPE_CHECKING:
    from pytest_stdiobus.kit.case import Case


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
        return read_own_cases([config.rootpath / file for file in files])
    except (KitError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
