"""The cases of users, which are run with those of this kit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import Case, bundled_cases, files_of, read_cases
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.lint import lint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_own_cases(paths: Sequence[Path]) -> tuple[Case, ...]:
    """A user's cases, from files that hold one and from folders of such files, to be run with those of this kit.

    Raises:
        KitError: one of them has a fault; all are told, each with file, JSON path, and what was expected.
    """
    found = [str(fault) for fault in lint(paths)]
    files = [file for path in paths for file in files_of(path)]
    cases = () if found else tuple(case for file in files for case in read_cases(file))
    bundled = {case.base for case in bundled_cases()}
    taken = {case.file: case.base for case in cases if case.base in bundled}
    found += [f"{file}: $.id: {name} is also the id of a packaged case" for file, name in taken.items()]
    if found:
        raise KitError("\n".join(found))
    return cases
