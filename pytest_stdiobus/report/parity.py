"""What SDKs said in the same cases, side by side.

JSON values are compared with their exact types and with the presence of members. Generated ids and session ids, and
timestamps, are called by the order of their first use; the order of members and white space make no difference, nor does the
wording of an SDK's own errors.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.target import SDK
from pytest_stdiobus.report.masking import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.report.model import ExchangePart, Report

_GENERATED = re.compile(
    r"(?P<session>\bclient-[0-9A-Za-z-]+)"
    r"|(?P<id>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """Where SDKs do not say the same.

    Attributes:
        path: the JSON path in what they said: ``$.wrote[0].params``, ``$.gave.q[0].value``.
        values: as JSON, for each report; None where there is nothing.
    """

    path: str
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class ParityCase:
    """A case that several SDKs were played in.

    Attributes:
        id: its id.
        title: what it is about.
        played: which reports tell what was said in it.
        differences: in what these differ; nothing is the same.
    """

    id: str
    title: str
    played: tuple[bool, ...]
    differences: tuple[Difference, ...]


def parity(reports: Sequence[Report]) -> list[ParityCase]:
    """The cases of which two reports or more tell what was said; none unless every report is of an SDK."""
    if any(report["target"]["subject"] != SDK for report in reports):
        return []
    told = [{case["id"]: case["exchange"] for case in report["cases"]} for report in reports]
    titles = {case["id"]: case["title"] for report in reports for case in report["cases"]}
    compared = ((name, [cases.get(name) for cases in told]) for name in titles)
    return [
        _compared(name, titles[name], exchanges)
        for name, exchanges in compared
        if sum(exchange is not None for exchange in exchanges) > 1
    ]


def conclusion(cases: Sequence[ParityCase]) -> str:
    """How many of them differ."""
    differing = sum(bool(case.differences) for case in cases)
    return (
        f"{differing} of {len(cases)} cases were said differently"
        if differing
        else f"the same said in {len(cases)} cases"
    )


def _compared(name: str, title: str, exchanges: Sequence[ExchangePart | None]) -> ParityCase:
    played = tuple(exchange is not None for exchange in exchanges)
    said = [_Names().exchange(exchange) for exchange in exchanges if exchange is not None]
    found = []
    for path, values in _differences("$", said):
        shown = iter(values)
        found.append(Difference(path, tuple(_shown(next(shown)) if is_played else None for is_played in played)))
    return ParityCase(name, title, played, tuple(found))


def _differences(path: str, values: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    if all(wire.same(values[0], value) for value in values[1:]):
        return
    if all(isinstance(value, dict) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            step = f".{key}" if _PLAIN.fullmatch(key) else f"[{json.dumps(key)}]"
            yield from _differences(path + step, [value.get(key, _ABSENT) for value in values])
    elif all(isinstance(value, list) for value in values):
        for index in range(max(map(len, values))):
            items = [value[index] if index < len(value) else _ABSENT for value in values]
            yield from _differences(f"{path}[{index}]", items)
    else:
        yield path, values


def _shown(value: Any) -> str | None:
    return None if value is _ABSENT else shortened(printable(json.dumps(value, ensure_ascii=False)))


@dataclass
class _Names:
    """What an SDK generated, by the order of its first use."""

    _known: dict[str, list[Any]] = field(default_factory=dict)

    def exchange(self, said: ExchangePart) -> dict[str, Any]:
        """What was said, with names in place of what was generated."""
        wrote = [self._line(line) for line in said["wrote"]]
        gave = {call: [self._event(event) for event in events] for call, events in sorted(said["gave"].items())}
        return {"wrote": wrote, "gave": gave, "cut": said["cut"]}

    def _line(self, line: Any) -> Any:
        """A line; the id of a request is one that the SDK has made, whatever its type."""
        if wire.kind_of(line) is wire.Kind.REQUEST:
            return {**self._value(line), "id": self._name("id", line["id"])}
        return self._value(line)

    def _event(self, event: Any) -> Any:
        """An event without the name of its call, and an error without the words of the SDK."""
        told = {key: value for key, value in event.items() if key != "call"}
        if isinstance(error := told.get("error"), dict):
            told["error"] = {key: value for key, value in error.items() if key != "message"}
        heard = told.get("value") if told.get("event") == "notification" else None
        if isinstance(heard, str) and (line := wire.parsed(heard.encode("utf-8", "surrogatepass"))) is not None:
            told["value"] = self._heard(line)
            return told
        return self._value(told)

    def _heard(self, line: dict[str, Any]) -> dict[str, Any]:
        """A line that was handed on as text; an id that answers a request is the request's."""
        asked = any(wire.same(line.get("id"), known) for known in self._known.get("id", []))
        return {**self._value(line), **({"id": self._name("id", line["id"])} if asked else {})}

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return _GENERATED.sub(self._replaced, value) if isinstance(value, str) else value

    def _replaced(self, found: re.Match[str]) -> str:
        return self._name(str(found.lastgroup), found[0])

    def _name(self, kind: str, value: Any) -> str:
        known = self._known.setdefault(kind, [])
        number = next((index for index, other in enumerate(known) if wire.same(other, value)), len(known))
        if number == len(known):
            known.append(value)
        return f"{kind}-{number + 1}"
