"""Whether a value fits a schema that the target wrote.

Such a schema can ask for a file, an address or a search without an end, so that it is read in a process of its own, which
resolves nothing from outside and has a deadline.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from referencing import Registry

from pytest_stdiobus.kit import schemas

DEADLINE_S = 10.0
_DIALECT = Draft202012Validator.META_SCHEMA["$id"]
_PROGRAM = (
    "import json, sys; asked = json.load(sys.stdin); sys.path[:] = asked.pop('path');"
    f"from {__name__} import fault; json.dump(fault(**asked), sys.stdout)"
)


class UnjudgedError(Exception):
    """A schema by which nothing can be judged; the message says why."""


def checked(value: Any, schema: dict[str, Any]) -> str:
    """What is wrong with a value, or nothing.

    Raises:
        UnjudgedError: the schema is not valid, leads to what is not in it, or takes too long.
    """
    asked = json.dumps({"path": sys.path, "value": value, "schema": schema})
    command = [sys.executable, "-I", "-c", _PROGRAM]
    try:
        told = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=DEADLINE_S, check=False)  # noqa: S603 - our own program
    except subprocess.TimeoutExpired:
        message = f"that takes more than {DEADLINE_S:g} s"
        raise UnjudgedError(message) from None
    if told.returncode:
        raise UnjudgedError(told.stderr.strip().rpartition("\n")[2] or f"status {told.returncode}")
    found: str = json.loads(told.stdout)
    return found


def fault(value: Any, schema: dict[str, Any]) -> str:
    """What is wrong with a value, or nothing; any exception is the schema's."""
    kind = validator_for({"$schema": _DIALECT, **schema}, None)  # type: ignore[arg-type] # the stubs do not know it
    if kind is None:
        message = f"its dialect is not known: {schema['$schema']}"
        raise ValueError(message)
    kind.check_schema(schema)
    error = next(kind(schema, registry=Registry()).iter_errors(value), None)
    return schemas.in_words(error) if error else ""
