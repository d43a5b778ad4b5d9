"""The arguments of a call, judged before anything is sent."""

from __future__ import annotations

import math
from typing import Any

from pytest_stdiobus.bus.errors import InvalidArgumentError
from pytest_stdiobus.bus.types import AuditEvent, Identity, RequestOptions

SHORTEST_START_SEC = 0.001
# Beyond this nobody waits: a hundred years, which every loop and the kernel can count.
_MAX_SEC = 100 * 365 * 24 * 3600


def milliseconds(value: float) -> float:
    """A duration in milliseconds; what is longer than anybody waits becomes a century."""
    if not _is_number(value) or not value > 0:
        message = f"timeout_ms: expected a positive number of milliseconds, got {value!r}"
        raise InvalidArgumentError(message)
    return min(value, _MAX_SEC * 1000)


def seconds(name: str, value: float, *, least: float = 0) -> float:
    """A duration in seconds, at least `least`; what is longer than anybody waits becomes a century."""
    if not _is_number(value) or not value >= least:
        message = f"{name}: expected a number of seconds, at least {least:g}, got {value!r}"
        raise InvalidArgumentError(message)
    return min(value, _MAX_SEC)


def whole_number(name: str, value: Any, least: int, most: float = math.inf) -> int:
    """An integer within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        bounds = f"at least {least}" if most == math.inf else f"from {least} to {most}"
        message = f"{name}: expected a whole number {bounds}, got {value!r}"
        raise InvalidArgumentError(message)
    return value


def text(name: str, value: Any) -> None:
    """Refuse what is no string, an empty one, or one that no program can be given."""
    if not _fits_a_program(value) or not value:
        message = f"{name}: expected a text without NUL, got {value!r}"
        raise InvalidArgumentError(message)


def texts(name: str, value: Any) -> None:
    """Refuse what is no list of strings; they may be empty."""
    if not isinstance(value, (list, tuple)) or not all(map(_fits_a_program, value)):
        message = f"{name}: expected a list of strings without NUL, got {value!r}"
        raise InvalidArgumentError(message)


def variables(name: str, value: Any) -> None:
    """Refuse what no environment can hold."""
    if not isinstance(value, dict):
        message = f"{name}: expected a dict of strings, got {value!r}"
        raise InvalidArgumentError(message)
    for variable, content in value.items():
        if not _fits_a_program(variable) or not _fits_a_program(content) or not variable or "=" in variable:
            message = f"{name}: expected names without = and values, strings without NUL, got {variable!r}: {content!r}"
            raise InvalidArgumentError(message)


def instance_of(name: str, kind: type, value: Any) -> None:
    """Refuse what is neither None nor one of these."""
    if value is not None and not isinstance(value, kind):
        message = f"{name}: expected {kind.__name__}, got {value!r}"
        raise InvalidArgumentError(message)


def check_handler(handler: Any) -> None:
    """Refuse what cannot be called."""
    if not callable(handler):
        message = f"handler: expected a function, got {handler!r}"
        raise InvalidArgumentError(message)


def check_call(method: str, params: Any, options: RequestOptions | None) -> None:
    """Refuse what no request can carry."""
    if not isinstance(method, str):
        message = f"method: expected a string, got {method!r}"
        raise InvalidArgumentError(message)
    if params is not None and not isinstance(params, (dict, list, tuple)):
        message = f"params: expected an object or an array, got {params!r}"
        raise InvalidArgumentError(message)
    if options is not None:
        instance_of("options", RequestOptions, options)
        instance_of("options.agent_id", str, options.agent_id)
        instance_of("options.identity", Identity, options.identity)
        instance_of("options.audit", AuditEvent, options.audit)


def _fits_a_program(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
