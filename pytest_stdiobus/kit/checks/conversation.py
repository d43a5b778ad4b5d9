"""A history read as a conversation: which response answers which request, and whether messages fit their models."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import jsonschema

from pytest_stdiobus.kit import foreign, schemas, wire
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stdiobus.kit.history import Event, History


_EXACT = 2**53 - 1


class Said(NamedTuple):
    """One message.

    Attributes:
        event: its line.
        by_target: whether the target said it.
        kind: what it is.
        message: the message.
        request: of a response, the message it answers; empty where none was sent.
    """

    event: Event
    by_target: bool
    kind: Kind
    message: dict[str, Any]
    request: dict[str, Any]

    @property
    def method(self) -> str:
        """Its method, or that of the request it answers."""
        return str(self.message.get("method", self.request.get("method", "")))


def params_of(message: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a message; empty where they are no object."""
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def conversation(history: History) -> Iterator[Said]:
    """Every JSON object of a history that is a message, in the order observed."""
    asked: dict[bool, dict[bytes, dict[str, Any]]] = {True: {}, False: {}}
    for event in history.events:
        message = wire.parsed(event.data) if event.kind == "line" else None
        kind, by_target = wire.kind_of(message), event.dir == "out"
        if message is None or kind is Kind.OTHER:
            continue
        key = wire.encode(message.get("id"))
        if kind is Kind.REQUEST:
            asked[by_target][key] = message
        request = asked[not by_target].get(key, {}) if kind is Kind.RESPONSE else {}
        yield Said(event, by_target, kind, message, request)


def client_kept_the_protocol(history: History) -> bool:
    """Whether all that was sent to the target is valid: who breaks a protocol can accuse nobody by it.

    Ids are texts, or integers that every reader of JSON can hold (RFC 8259, section 6).
    """
    return all(_is_valid(event) for event in history.lines(direction="in"))


def _is_valid(event: Event) -> bool:
    message = wire.parsed(event.data)
    kind = wire.kind_of(message)
    if message is None or kind is Kind.OTHER or not event.facts.get("terminated", True):
        return False
    ident, method = message.get("id", ""), message.get("method", "")
    exact = isinstance(ident, str) or (type(ident) is int and abs(ident) <= _EXACT)
    params = message.get("params", {})
    return exact and isinstance(method, str) and isinstance(params, dict) and message.get("jsonrpc") == "2.0"


def misfits(history: History, protocol: str) -> Iterator[tuple[Event, str]]:
    """The target's messages that do not fit the installed models of a protocol, and why."""
    models = foreign.models(protocol)
    if models is None:
        return
    for said in conversation(history):
        if not said.by_target or "error" in said.message:
            continue
        answers = said.kind is Kind.RESPONSE
        schema = models.of_result(said.method) if answers else models.of_call(said.method)
        value = said.message.get("result" if answers else "params")
        if schema is None or (said.method == "session/load" and value is None):
            continue  # null: the documentation of session/load shows it
        if fault := next(iter(_faults(value, schema)), ""):
            what = f"the result of {said.method}" if answers else f"the params of {said.method}"
            yield said.event, f"{what} are not those of {models}: {fault}"


def _faults(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    for error in schemas.validator(schema).iter_errors(value):
        for leaf in _leaves(error):
            yield f"{leaf.json_path}: {leaf.message}"


def _leaves(error: Any) -> Iterable[Any]:
    """What is really wrong: a kind of thing that these models do not know may be one of a newer version."""
    if error.validator not in {"anyOf", "oneOf"}:
        return [error]
    branches: defaultdict[int, list[Any]] = defaultdict(list)
    for inner in error.context:
        branches[inner.schema_path[0]].append(inner)
    if "discriminator" in error.schema and isinstance(error.instance, dict):
        return _leaves_of_tagged(error, branches)
    real = {index: [leaf for inner in branch for leaf in _leaves(inner)] for index, branch in branches.items()}
    return [jsonschema.exceptions.best_match([error])] if all(real.values()) else []


def _leaves_of_tagged(error: Any, branches: dict[int, list[Any]]) -> Iterable[Any]:
    """The faults of the one branch that the tag of the value names."""
    known = error.schema["discriminator"]["mapping"]
    tag = error.instance.get(error.schema["discriminator"]["propertyName"])
    if not isinstance(tag, str):
        return [error]
    meant = [index for index, branch in enumerate(error.schema["oneOf"]) if branch.get("$ref") == known.get(tag)]
    return [leaf for index in meant for inner in branches[index] for leaf in _leaves(inner)]
