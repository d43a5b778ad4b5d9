"""What a target says of itself, asked once before its cases: what it does not declare is not asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import schemas, wire
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stdiobus.kit.catalogue import Profile
    from pytest_stdiobus.kit.play import Player

_ANSWER = {"$ref": "urn:pytest-stdiobus:message#/$defs/answer"}


@dataclass(frozen=True)
class Survey:
    """What is known of a target before its cases.

    Attributes:
        answers: what it answered, by the name of the question.
        capabilities: what it declares.
        probes: calls that were found.
        refusals: for a method it refuses for a reason of its own, that reason.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    capabilities: frozenset[str] = frozenset()
    probes: Mapping[str, Any] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)


def conduct(profile: Profile, player: Player) -> Survey:
    """Ask a target what the profile asks.

    Raises:
        HarnessError: the kit's own failure.
    """
    bindings = player.walk.bindings
    try:
        player.begin()
        if player.perform(steps(profile.prelude, "")):
            for question in profile.survey:
                if question.get("needs") in {None, *_declared(profile, bindings)}:
                    player.perform(_asked(question))
        player.seat.end()
    finally:
        player.seat.close()
    answers = {name: wire.parsed(event.data) for name, event in bindings.events.items()}
    for name in [name for name, answer in answers.items() if not wire.is_finite(answer)]:
        del answers[name], bindings.events[name]  # nobody can send or write down what is in it
    return Survey(
        answers,
        frozenset(_declared(profile, bindings)),
        dict(_found(profile, bindings)),
        dict(_refused(profile, bindings)),
    )


def _asked(question: Mapping[str, Any]) -> Any:
    """A question and whatever answers it; what else comes is left unread."""
    ident = f"survey-{question['as']}"
    message = {"jsonrpc": "2.0", "id": ident, "method": question["method"]}
    if "params" in question:
        message["params"] = question["params"]
    reading = {"client": "kit", "find": {"id": ident, "$schema": _ANSWER}, "as": question["as"]}
    return steps([{"client": "kit", "send": message}, reading], "")


def _declared(profile: Profile, bindings: Bindings) -> Iterator[str]:
    for capability, fact in profile.declares.items():
        if _holds(fact, bindings):
            yield capability


def _refused(profile: Profile, bindings: Bindings) -> Iterator[tuple[str, str]]:
    for refusal in profile.refusals:
        if _holds(refusal, bindings):
            yield refusal["method"], refusal["why"]


def _found(profile: Profile, bindings: Bindings) -> Iterator[tuple[str, Any]]:
    for probe, find in profile.finds.items():
        items = _at(find["in"], bindings)
        for item in items if isinstance(items, list) else []:
            if not schemas.faults(item, find["is"]):
                yield probe, Bindings({"item": item}).expand(find["call"])
                break


def _holds(fact: Mapping[str, Any], bindings: Bindings) -> bool:
    value = _at(fact["in"], bindings)
    return value is not None and not schemas.faults(value, fact.get("is", {}))


def _at(reference: str, bindings: Bindings) -> Any:
    try:
        return bindings.look_up(reference)
    except LookupError:
        return None
