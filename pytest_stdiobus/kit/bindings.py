"""The values a case has bound so far, and the places where it uses them.

``{"$from": "NAME/POINTER"}`` stands for a bound value: a message that was sent or read, the vector's ``row``, the target's ``probe``.
Beside other members it adds those of the object it leads to: ``{"id": 1, "$from": "probe/ok"}`` is a whole call, with ``params`` if it
has some. ``{"$repeat": [TEXT, N]}`` stands for a long text, ``{"$sum": [...]}`` for the sum of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.pattern import BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stdiobus.kit.history import Event

FROM, REPEAT, SUM = "$from", "$repeat", "$sum"
LONGEST = 64 * 1024 * 1024  # characters of a text that a case makes


@dataclass
class Bindings:
    """What names stand for: events of the history, and values given from outside."""

    values: Mapping[str, Any]
    events: dict[str, Event] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The names that stand for something."""
        return {*self.values, *self.events}

    def bind(self, name: str, event: Event) -> None:
        """Let a name stand for a line or a fact."""
        self.events[name] = event

    def expand(self, value: Any) -> Any:
        """The value with everything bound put in its place.

        Raises:
            LookupError: a name is not bound, or its pointer leads nowhere.
        """
        if isinstance(value, list):
            return [self.expand(item) for item in value]
        if not isinstance(value, dict):
            return value
        makers = {FROM: self.look_up, REPEAT: self._repeated, SUM: self._summed}
        if len(value) == 1 and (make := makers.get(*value)):
            return make(*value.values())
        if value.keys() == {BYTES} and isinstance(value[BYTES], dict) and FROM in value[BYTES]:
            return {BYTES: self._bytes(value[BYTES][FROM])}
        own = {key: self.expand(item) for key, item in value.items() if key != FROM}
        return {**self._members(value[FROM]), **own} if FROM in value else own

    def look_up(self, reference: str) -> Any:
        """What ``NAME/POINTER`` leads to.

        Raises:
            LookupError: it leads nowhere; the message names the reference.
        """
        name, _, pointer = reference.partition("/")
        if name not in self.events and name not in self.values:
            message = f"{reference}: no step before it has {name!r} as its name"
            raise LookupError(message)
        try:
            if name in self.events:
                return wire.at(wire.parse(self.events[name].data), pointer)
            return self.expand(wire.at(self.values[name], pointer))
        except (LookupError, ValueError, RecursionError) as error:
            message = f"{reference}: {error}"
            raise LookupError(message) from None

    def _members(self, reference: str) -> dict[str, Any]:
        value = self.look_up(reference)
        if isinstance(value, dict):
            return value
        message = f"{reference}: expected an object, to add its members"
        raise LookupError(message)

    def _summed(self, terms: Any) -> Any:
        numbers = self.expand(terms)
        if isinstance(numbers, list) and all(isinstance(number, (int, float)) for number in numbers):
            return sum(numbers)
        message = f"{SUM}: expected an array of numbers, got {terms!r}"
        raise LookupError(message)

    def _repeated(self, how: Any) -> str:
        what, count = how
        text, times = self.expand(what), self.expand(count)
        if isinstance(text, str) and isinstance(times, int) and len(text) * times <= LONGEST:
            return text * times
        message = f"{REPEAT}: expected a text and how often, at most {LONGEST} characters, got {what!r} and {count!r}"
        raise LookupError(message)

    def _bytes(self, reference: str) -> Any:
        return self.events[reference].data if reference in self.events else self.look_up(reference)
