"""Histories written by hand, for what judges them."""

from __future__ import annotations

from typing import Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.drivers.worker import CLIENT
from pytest_stdiobus.kit.history import KIT, History


def sent(message: Any, **facts: Any) -> tuple[str, str, str, bytes, dict[str, Any]]:
    """A line of the kit to the worker."""
    return CLIENT, "line", "in", message if isinstance(message, bytes) else wire.encode(message), facts


def came(message: Any, **facts: Any) -> tuple[str, str, str, bytes, dict[str, Any]]:
    """A line of the worker."""
    return CLIENT, "line", "out", message if isinstance(message, bytes) else wire.encode(message), facts


def decided(index: int, **facts: Any) -> tuple[str, str, str, bytes, dict[str, Any]]:
    """A reading step was decided."""
    return KIT, "step", "", b"", {"index": index, **facts}


def history(*events: tuple[str, str, str, bytes, dict[str, Any]], **head: Any) -> History:
    """These events, a millisecond apart."""
    now = iter(range(0, 10**12, 10**6))
    made = History({"profile": "bus", "capabilities": ["bus-native"], **head}, clock=lambda: next(now))
    for actor, kind, direction, data, facts in events:
        made.add(actor, kind, dir=direction, data=data, **facts)
    return made
