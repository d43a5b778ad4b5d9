"""The arguments of a call, judged before anything is sent."""

from __future__ import annotations

from typing import Any

from pytest_stdiobus.bus.errors import InvalidArgumentError


def milliseconds(value: float) -> float:
    """A duration in milliseconds, as it was given."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        message = f"timeout_ms: expected a positive number of milliseconds, got {value!r}"
        raise InvalidArgumentError(message)
    return value


def check_call(method: str, params: Any) -> None:
    """Refuse what no request can carry."""
    if not isinstance(method, str):
        message = f"method: expected a string, got {method!r}"
        raise InvalidArgumentError(message)
    if params is not None and not isinstance(params, (dict, list, tuple)):
        message = f"params: expected an object or an array, got {params!r}"
        raise InvalidArgumentError(message)
