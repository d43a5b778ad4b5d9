"""What cases made at random see of the kernels with one fault each."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import UNIX
from pytest_stdiobus.kit.explore.search import Search
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner

from .kernel_saboteurs import target

if TYPE_CHECKING:
    from pytest_stdiobus.kit.result import CaseResult


class _FoundError(Exception):
    """A case has failed, and no other is of interest."""


def first_failure(fault: str, seed: int, count: int) -> str:
    """Which of so many cases fails first over a unix socket, and what: ``7 KRN-COR-01``; 0 is every case, and empty none."""
    played: list[CaseResult] = []

    def tell(result: CaseResult) -> None:
        played.append(result)
        if result.failures:
            raise _FoundError

    options = Options(examples=count, seed=seed)
    with Runner(target("--break", fault), options) as runner, TemporaryDirectory() as folder:
        try:
            for result in Search(runner, UNIX, Path(folder), tell).run():
                if result.failures:
                    return f"0 {result.failures[0].requirement}"
        except _FoundError:
            return f"{len(played)} {played[-1].failures[0].requirement}"
    return ""
