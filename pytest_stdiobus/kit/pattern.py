"""What a case expects of a line: the message written out, with schemas where values may differ.

The members it names must be there and be equal, types included; a line may have others, an object inside it may not.
``{"$schema": ...}`` stands for anything that is valid against that schema; among other members, the object may have
more than those. ``{"bytes": ...}`` alone expects the very bytes of the line.
"""

from __future__ import annotations

import base64
from typing import Any

from pytest_stdiobus.kit import schemas, wire

SCHEMA = "$schema"
BYTES = "bytes"


def mismatch(pattern: Any, line: bytes) -> str | None:
    """Why a line is not what was expected, or None when it is."""
    if isinstance(pattern, dict) and pattern.keys() == {BYTES}:
        return None if line == raw(pattern[BYTES]) else f"expected {words(pattern)}"
    try:
        value = wire.parse(line)
    except ValueError as error:
        return f"is not JSON: {error}"
    return difference(pattern, value, "")


def difference(pattern: Any, value: Any, path: str) -> str | None:
    """Where a value differs from what was expected, with its JSON pointer, or None."""
    if isinstance(pattern, dict):
        return _of_object(pattern, value, path)
    if isinstance(pattern, list):
        return _of_array(pattern, value, path)
    return None if wire.same(pattern, value) else _told(path, pattern, value)


def words(pattern: Any) -> str:
    """What is expected, for somebody who has read no case: as JSON, with words where values may differ."""
    if isinstance(pattern, dict) and pattern.keys() == {BYTES}:
        return f"the bytes {wire.preview(raw(pattern[BYTES]))}"
    return wire.shortened(_words(pattern))


def raw(value: Any) -> bytes:
    """The bytes that a case writes as text, as ``{"base64": ...}``, or as a list of such pieces."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, list):
        return b"".join(map(raw, value))
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True)
    return str(value).encode("utf-8", "surrogatepass")


def _words(pattern: Any) -> str:
    if isinstance(pattern, list):
        return f"[{', '.join(map(_words, pattern))}]"
    if not isinstance(pattern, dict):
        return wire.encode(pattern).decode()
    members = [f"{wire.encode(key).decode()}: {_words(value)}" for key, value in pattern.items() if key != SCHEMA]
    written = f"{{{', '.join(members)}}}"
    if SCHEMA not in pattern:
        return written
    allowed = schemas.words(pattern[SCHEMA])
    return f"{allowed} with {written}" if members else allowed


def _of_object(pattern: dict[str, Any], value: Any, path: str) -> str | None:
    members = {key: expected for key, expected in pattern.items() if key != SCHEMA}
    if members or SCHEMA not in pattern:
        if not isinstance(value, dict):
            return _told(path, pattern, value)
        for key, expected in members.items():
            if key not in value:
                return f"{path}/{key} is missing"
            if (found := difference(expected, value[key], f"{path}/{key}")) is not None:
                return found
        if path and SCHEMA not in pattern and (more := sorted(value.keys() - members.keys())):
            return f"{path}/{more[0]} was not expected"
    if SCHEMA in pattern and not schemas.is_valid(value, pattern[SCHEMA]):
        return _told(path, {SCHEMA: pattern[SCHEMA]}, value)
    return None


def _of_array(pattern: list[Any], value: Any, path: str) -> str | None:
    if not isinstance(value, list) or len(value) != len(pattern):
        return _told(path, pattern, value)
    for index, (expected, item) in enumerate(zip(pattern, value, strict=True)):
        if (found := difference(expected, item, f"{path}/{index}")) is not None:
            return found
    return None


def _told(path: str, pattern: Any, value: Any) -> str:
    place = f"{path}: " if path else ""
    return f"{place}expected {words(pattern)}, got {wire.preview(wire.encode(value))}"


def payload(value: Any) -> bytes:
    """The bytes of a ``send``: a message with its LF, or ``raw`` and ``base64`` bytes as they are."""
    if isinstance(value, dict) and value.keys() == {"raw"}:
        return raw(value["raw"])
    if isinstance(value, dict) and value.keys() == {"base64"}:
        return raw(value)
    return wire.encode(value) + b"\n"
