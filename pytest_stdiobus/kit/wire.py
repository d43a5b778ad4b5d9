"""Lines and messages: strict JSON in UTF-8, values compared with their exact types, pointers into them."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

PREVIEW = 120  # characters of a line in an explanation


class Kind(str, Enum):
    """What a JSON-RPC message is, by the members it has (JSON-RPC 2.0, sections 4 and 5)."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"
    OTHER = "other"


class TooDeepError(ValueError):
    """A line that this kit cannot read and that may be JSON all the same."""


def parse(line: bytes) -> Any:
    """The JSON value of a line.

    Raises:
        TooDeepError: nested so deeply that nobody can tell.
        ValueError: not one JSON text of RFC 8259 in UTF-8; the message says where.
    """
    try:
        return _STRICT.decode(line.decode("utf-8"))
    except RecursionError:
        message = "nested too deeply for this kit to read"
        raise TooDeepError(message) from None


def parsed(line: bytes) -> Any:
    """The message of a line, or None where the line is no JSON object."""
    try:
        value = parse(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def encode(message: Any) -> bytes:
    """A message as the bytes of a line, without the LF."""
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
        return json.dumps(message, separators=(",", ":")).encode("ascii")


def depth(value: Any) -> int:
    """How many objects and arrays stand in one another in a value."""
    found, level = 0, [value]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        found += 1
        level = [item for one in level for item in (one.values() if isinstance(one, dict) else one)]
    return found


def is_finite(value: Any) -> bool:
    """Whether no number in a value is too large for JSON to be written with it."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


def has_whole_characters(value: Any) -> bool:
    """Whether no text in a value has half of a surrogate pair, which no file can hold but as an escape."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def kind_of(message: Any) -> Kind:
    """Which kind of message this is."""
    if not isinstance(message, dict):
        return Kind.OTHER
    if "method" in message:
        return Kind.REQUEST if "id" in message else Kind.NOTIFICATION
    if "id" in message and ("result" in message or "error" in message):
        return Kind.RESPONSE
    return Kind.OTHER


def is_no_message(value: dict[str, Any]) -> bool:
    """Whether an object has none of the members that make a message, however broken."""
    return not value.keys() & {"id", "method", "result", "error"}


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, types included: 1, 1.0, true and "1" are four values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def at(value: Any, pointer: str) -> Any:
    """What a JSON pointer without its first slash leads to (RFC 6901); "" is the value itself.

    Raises:
        LookupError: it leads nowhere.
    """
    for part in pointer.split("/") if pointer else []:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(key)] if key.isdecimal() else _nowhere(key)
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            _nowhere(key)
    return value


def preview(line: bytes) -> str:
    """A line as one short printable text."""
    text = line.decode("utf-8", "backslashreplace")
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return text if len(text) <= PREVIEW else f"{text[:PREVIEW]}... ({len(line)} bytes)"


def shortened(text: str) -> str:
    """A text of ours, cut where it would be too long for an explanation."""
    return text if len(text) <= 2 * PREVIEW else f"{text[: 2 * PREVIEW]}..."


def _integer(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:  # more digits than Python converts: JSON all the same
        return float(text)


def _refuse(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer)


def _nowhere(key: str) -> Any:
    message = f"there is no {key!r}"
    raise LookupError(message)
