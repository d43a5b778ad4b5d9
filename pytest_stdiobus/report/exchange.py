"""What an SDK said in a case, for reports to be compared by: values in place of bytes, and digests of what is long."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.history import ADAPTER, CALL
from pytest_stdiobus.kit.target import SDK
from pytest_stdiobus.report.masking import printable, shortened

if TYPE_CHECKING:
    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.report.evidence import Veil
    from pytest_stdiobus.report.masking import Mask
    from pytest_stdiobus.report.model import ExchangePart

ROOM = 1024  # characters of a value that is told in full
DEEPEST = 64  # levels of a value that is told; Python looks into no more than some hundred
MOST = 64  # lines that are told of the kernel's input, or of a call; members of a long value that is looked into


def exchange(result: CaseResult, hidden: Veil) -> ExchangePart | None:
    """What the SDK wrote, as the kit's kernel or workers read it, and which events it gave; None of other cases, or kept local."""
    case, history = result.case, result.history
    if history is None or case.subject != SDK or case.id in hidden.cases:
        return None
    said: ExchangePart = {"wrote": [], "gave": {}, "cut": 0}
    for event in history.lines():
        kind, _, name = event.actor.partition(":")
        if event.actor == ADAPTER:
            continue
        lines = said["gave"].setdefault(name, []) if kind == CALL else said["wrote"]
        if len(lines) < MOST:
            lines.append(_told(event.data, hidden.mask))
        else:
            said["cut"] += 1
    return said


def canonical(value: Any) -> str:
    """A JSON value as text that is the same for the same value, in whatever order its members came.

    Raises:
        ValueError: a number in it has no JSON.
        RecursionError: it is nested too deeply.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _told(line: bytes, mask: Mask) -> Any:
    text = mask.text(line.decode("utf-8", "backslashreplace"))
    try:
        value = wire.parse(text.encode())
        if not wire.has_whole_characters(value):
            return _text(text)
        return _bounded(value) if wire.depth(value) <= DEEPEST else _digest(canonical(value))
    except (ValueError, RecursionError):
        return _text(text)


def _text(text: str) -> dict[str, Any]:
    return {"$text": shortened(printable(text))}


def _bounded(value: Any) -> Any:
    """The value, with digests of its long parts."""
    text = canonical(value)
    if len(text) <= ROOM:
        return value
    if isinstance(value, dict) and len(value) <= MOST:
        return {key: _bounded(item) for key, item in value.items()}
    return _digest(text)


def _digest(text: str) -> dict[str, Any]:
    return {"$sha256": hashlib.sha256(text.encode()).hexdigest(), "$length": len(text)}
