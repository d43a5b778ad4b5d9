"""What data cannot say: functions that look at histories, and functions that play what steps cannot."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_stdiobus.kit.history import History
    from pytest_stdiobus.kit.result import Finding

    Invariant = Callable[[History], Iterable[Finding]]

_SUBJECTS = ("worker",)
_INVARIANTS: dict[str, dict[str, Invariant]] = {}


def invariant(requirement: str, *, subject: str) -> Callable[[Invariant], Invariant]:
    """Register a function that finds breaches of a requirement in any history of a subject.

    Raises:
        ValueError: the requirement has one already; both are named.
    """

    def register(function: Invariant) -> Invariant:
        known = _INVARIANTS.setdefault(subject, {}).setdefault(requirement, function)
        if known is not function:
            message = (
                f"{requirement} has the invariant {known.__qualname__} already, {function.__qualname__} is a second"
            )
            raise ValueError(message)
        return function

    return register


def invariants(subject: str) -> tuple[Invariant, ...]:
    """The invariants of a subject."""
    if subject in _SUBJECTS:
        import_module(f"{__name__}.{subject}")
    return tuple(_INVARIANTS.get(subject, {}).values())
