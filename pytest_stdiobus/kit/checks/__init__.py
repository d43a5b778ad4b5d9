"""What data cannot say: functions that find breaches in any history, and functions that make a case's steps."""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.checks.conversation import client_kept_the_protocol
from pytest_stdiobus.kit.errors import KitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_stdiobus.kit.history import History
    from pytest_stdiobus.kit.result import Finding

    Invariant = Callable[[History], Iterable[Finding]]
    Check = Callable[[int], Iterable[Mapping[str, Any]]]

_MODULES = (
    *("worker", "acp", "mcp", "sdk", "sdk_load"),
    *("kernel", "kernel_delivery", "kernel_ends", "kernel_files", "kernel_load", "kernel_order"),
)
_INVARIANTS: dict[str, dict[str, Invariant]] = {}
_OF_PROCESSES: set[str] = set()
_CHECKS: dict[str, Check] = {}


def invariant(
    *requirements: str, subject: str, profile: str = "", of_process: bool = False
) -> Callable[[Invariant], Invariant]:
    """Register a function that finds breaches of requirements in any history of a subject, or of one profile of it.

    Args:
        requirements: their ids.
        subject: ``worker``, ``kernel``, ``sdk`` or ``stream``.
        profile: the only profile whose histories it looks at.
        of_process: whether it judges how the target's process ends, which behind a bus nobody sees.

    Raises:
        ValueError: one of the requirements has one already; both are named.
    """

    def register(function: Invariant) -> Invariant:
        @wraps(function)
        def guarded(history: History) -> Iterable[Finding]:
            applies = history.head.get("profile") == profile and client_kept_the_protocol(history)
            return function(history) if applies else ()

        meant = guarded if profile else function
        for requirement in requirements:
            known = _INVARIANTS.setdefault(subject, {}).setdefault(requirement, meant)
            if known is not meant:
                first, second = known.__qualname__, function.__qualname__
                message = f"{requirement} has the invariant {first} already, {second} is a second"
                raise ValueError(message)
        if of_process:
            _OF_PROCESSES.update(requirements)
        return function

    return register


def invariants(subject: str) -> tuple[Invariant, ...]:
    """The invariants of a subject."""
    _load()
    return tuple(dict.fromkeys(_INVARIANTS.get(subject, {}).values()))


def held_always(subject: str, *, through: bool = False) -> frozenset[str]:
    """The requirements of a subject that an invariant judges, in every history or in those of workers behind a bus."""
    _load()
    return frozenset(_INVARIANTS.get(subject, {})) - (_OF_PROCESSES if through else set())


def check(name: str) -> Callable[[Check], Check]:
    """Register a function that makes the steps of the cases that name it as their ``check``.

    It is for what is too long to be written out: load, interleavings, generated messages. It is given the seed of the run
    and makes the same steps from the same seed, as a case's file would have them, so that a history can be judged again.

    Raises:
        ValueError: another function has this name already; both are named.
    """

    def register(function: Check) -> Check:
        known = _CHECKS.setdefault(name, function)
        if known is not function:
            message = f"the check {name} is {known.__qualname__} already, {function.__qualname__} is a second"
            raise ValueError(message)
        return function

    return register


def find_check(name: str) -> Check:
    """The check with a name.

    Raises:
        KitError: there is none; the message lists them.
    """
    _load()
    if name not in _CHECKS:
        message = f"{name!r} is not a check; there are {', '.join(sorted(_CHECKS))}"
        raise KitError(message)
    return _CHECKS[name]


def _load() -> None:
    for module in _MODULES:
        import_module(f"{__name__}.{module}")
