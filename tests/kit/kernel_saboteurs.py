"""The kernels with one fault each: what they are declared to break, and what the cases say of them."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import STDIO, TCP, UNIX, bundled_cases
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import KERNEL, Target

from .saboteurs import Saboteur, about, declared_in, failures, one_of_each_file, played, supervisor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.result import CaseResult

FOLDER = data_dir() / "workers" / "saboteurs" / "kernel"
TRANSPORTS = (UNIX, STDIO, TCP)
SCALE = 0.3  # an answer takes milliseconds; a deadline of 1.5 s is for those that never come


@cache
def saboteurs() -> tuple[Saboteur, ...]:
    return declared_in(FOLDER)


def target(*arguments: str) -> Target:
    return Target("saboteur", (sys.executable, "-I", "-S", str(FOLDER), *arguments), subject=KERNEL)


@cache
def cases() -> dict[str, Case]:
    """The cases that an executable can play, each once: over a unix socket where it can be."""
    found = [case for case in bundled_cases() if case.subject == KERNEL and case.transport in TRANSPORTS]
    chosen: dict[str, Case] = {}
    for case in sorted(found, key=lambda case: TRANSPORTS.index(case.transport)):
        chosen.setdefault(case.id.removesuffix(f"{case.transport}]"), case)
    return {case.id: case for case in chosen.values()}


def first_variants() -> list[str]:
    """One case of each file."""
    return one_of_each_file(cases())


def first_of(saboteur: Saboteur) -> list[str]:
    """The cases that catch it and are about what it breaks, or where none is, all that catch it."""
    return about(saboteur.breaks, saboteur.caught_by, cases()) or list(saboteur.caught_by)


def name_of(fault: str) -> str:
    """How the class of a fault is called on the command line."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in fault).removeprefix("_")


def judged(
    judging: Target, names: Iterable[str], scale: float = SCALE, enough: float = float("inf")
) -> dict[str, CaseResult]:
    """What cases come to, until enough have failed; those that measure a time have at least their full deadlines."""
    chosen = [cases()[name] for name in dict.fromkeys(names)]
    results: dict[str, CaseResult] = {}
    for measures, factor in ((False, scale), (True, max(scale, 1))):
        meant = [case for case in chosen if _measures(case) is measures]
        with Runner(judging, Options(time_scale=factor), supervisor()) as runner:
            results |= played(runner, meant, enough - failures(results))
    return results


def measures_usage(case: Case) -> bool:
    """Whether a case looks at what the kernel uses."""
    return any(step.actor == "target:usage" for step in case.steps)


def _measures(case: Case) -> bool:
    return any(step.verb == "elapsed" for step in case.steps)
