"""The reference client with one fault each: what they are declared to break, and what the cases say of them."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import NATIVE, SCRIPTED, SUBPROCESS, bundled_cases
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK, Target

from .saboteurs import Saboteur, declared_in, one_of_each_file, played, supervisor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.description import Description
    from pytest_stdiobus.kit.result import CaseResult

FOLDER = data_dir() / "workers" / "saboteurs" / "sdk"
BACKENDS = (SCRIPTED, SUBPROCESS, NATIVE)  # the quickest first
SCALE = 0.6  # an answer takes milliseconds, a start under load a second


@cache
def saboteurs() -> tuple[Saboteur, ...]:
    return declared_in(FOLDER)


def target(*arguments: str) -> Target:
    return Target("saboteur", (sys.executable, str(FOLDER / "faulty_adapter.py"), *arguments), subject=SDK)


@cache
def described() -> Description:
    """What all of them say of themselves, asked once."""
    with Runner(target(), Options(time_scale=4)) as runner:
        return runner.sdk.description


@cache
def cases() -> dict[str, Case]:
    found = [case for case in bundled_cases() if case.subject == SDK and case.transport in BACKENDS]
    return {case.id: case for case in sorted(found, key=lambda case: BACKENDS.index(case.transport))}


def first_variants() -> list[str]:
    """One case of each file."""
    return one_of_each_file(cases())


def judged(
    judging: Target, names: Iterable[str], scale: float = SCALE, enough: float = float("inf")
) -> dict[str, CaseResult]:
    """What cases come to, each with a process of its own, until enough have failed."""
    with Runner(judging, Options(time_scale=scale), supervisor()) as runner:
        runner.sdk.description = described()
        runner.sdk._refusals = dict.fromkeys(BACKENDS, "")  # as the client without a fault, each of them opens
        runner.sdk.adapters.lasting = False
        return played(runner, [cases()[name] for name in dict.fromkeys(names)], enough)
