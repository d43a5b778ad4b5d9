"""Steps as they are written down: lines with their names, halves of lines that still have to be finished, and what is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.bindings import FROM, REPEAT
from pytest_stdiobus.kit.pattern import BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.explore.moves import Manner

    Step = dict[str, Any]

_MOST_WRITES = 24  # of one line, because each is waited for
_ID = '"id":null'
_OF_THE_BUS = frozenset({"sessionId", "agentId", "_ext", "pool"})


@dataclass
class Script:
    """The steps of a case that is being written.

    Attributes:
        longest: how many bytes a line may have.
        steps: those there are.
    """

    longest: int
    steps: list[Step] = field(default_factory=list)
    _names: int = 0
    _begun: dict[str, Step] = field(default_factory=dict)
    _returned: dict[str, str] = field(default_factory=dict)  # what was ended by a carriage return too, by its name

    def name(self, prefix: str) -> str:
        """A name that nothing has yet."""
        self._names += 1
        return f"{prefix}{self._names}"

    def send(self, actor: str, place: str, message: dict[str, Any], ident: str | None, manner: Manner) -> str:
        """An actor sends a message; what has been begun at its place is finished before.

        Args:
            actor: a client or worker.
            place: the client, or the pool of the worker, as nobody knows which names are of one worker.
            message: with null as its id, if it has one.
            ident: how that is spelled.
            manner: how it is written.

        Returns:
            the name of the line.
        """
        self.finish(place)
        name = self.name("l")
        if filled := self._filled(message, ident, manner):
            self.steps.append({**_who(actor), "send": filled, "as": name})
            return name
        text = _text(message, ident)
        whole: Any = _value(message, ident) if _is_plain(ident) else {"raw": f"{text}\n"}
        if manner.cr and "client" in _who(actor):
            whole = {"raw": f"{text}\r\n"}
            self._returned[name] = text
        if manner.split:
            size = max(manner.split, len(text.encode()) // _MOST_WRITES + 1)
            self.steps.append({**_who(actor), "send": whole, "split": size, "as": name})
        elif manner.cut:
            at = manner.cut % (len(text) - 1) + 1
            self.steps.append({**_who(actor), "send": {"raw": text[:at]}})
            self._begun[place] = {**_who(actor), "send": {"raw": f"{text[at:]}\n"}, "as": name}
        else:
            self.steps.append({**_who(actor), "send": whole, "as": name})
        return name

    def line(self, name: str) -> dict[str, Any]:
        """What is expected where a line is to arrive as it was sent."""
        return {BYTES: self._returned.get(name, {FROM: name})}

    def members(self, message: dict[str, Any], ident: str | None, manner: Manner) -> dict[str, Any]:
        """The members of a message, which may come with others."""
        return self._filled(message, ident, manner) or _value(message, ident)

    def stripped(self, message: dict[str, Any], ident: str | None, manner: Manner) -> Any:
        """What is expected where a message comes without the members of the bus."""
        filled = self._filled(message, ident, manner)
        if filled:
            return {name: value for name, value in filled.items() if name not in _OF_THE_BUS}
        return {BYTES: _text({name: value for name, value in message.items() if name not in _OF_THE_BUS}, ident)}

    def _filled(self, message: dict[str, Any], ident: str | None, manner: Manner) -> dict[str, Any] | None:
        """A message that is as long as it is to be and may be; None where it is to be no longer than it is."""
        if not (manner.size and _is_plain(ident)):
            return None
        value = _value(message, ident)
        member = "params" if "method" in value else "result"
        room = self.longest - len(wire.encode({**value, member: {"fill": ""}}) + b"\n")  # that may count or not
        return {**value, member: {"fill": {REPEAT: ["x", min(manner.size, room)]}}}

    def act(self, actor: str, place: str, verb: str, value: Any = True) -> None:
        """An actor does something; what has been begun at its place is finished before."""
        self.finish(place)
        self.steps.append({**_who(actor), verb: value})

    def is_begun(self, name: str) -> bool:
        """Whether half of a line is still to come."""
        return any(step["as"] == name for step in self._begun.values())

    def finish(self, place: str) -> None:
        """Write the other half of what has been begun at a place."""
        if place in self._begun:
            self.steps.append(self._begun.pop(place))

    def finish_all(self) -> None:
        """Write the other halves of everything."""
        self.steps += self._begun.values()
        self._begun.clear()

    def find(self, actor: str, expected: Any, judges: str, name: str = "") -> None:
        """An actor reads a line, which gets a name."""
        self.steps.append({**_who(actor), "find": expected, **({"as": name} if name else {}), "judges": judges})


def _is_plain(ident: str | None) -> bool:
    return ident is None or json.dumps(json.loads(ident), ensure_ascii=False) == ident


def _value(message: dict[str, Any], ident: str | None) -> dict[str, Any]:
    return message if ident is None else {**message, "id": json.loads(ident)}


def _text(message: dict[str, Any], ident: str | None) -> str:
    return wire.encode(message).decode().replace(_ID, f'"id":{ident}', 1)


def tidy(steps: Sequence[Step]) -> list[Step]:
    """The steps without the names that none of them uses."""
    used = {name for step in steps for name in _used(step)}
    return [{key: value for key, value in step.items() if key != "as" or value in used} for step in steps]


def _used(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value[FROM]} if isinstance(value.get(FROM), str) else set()
        own |= {value["worker"]} if isinstance(value.get("worker"), str) else set()
        own |= {name.partition("/")[0] for name in value.get("distinct", ())}
        return own.union(*map(_used, value.values()))
    return set().union(*map(_used, value)) if isinstance(value, list) else set()


def _who(actor: str) -> Step:
    kind, _, name = actor.partition(":")
    return {kind: name}
