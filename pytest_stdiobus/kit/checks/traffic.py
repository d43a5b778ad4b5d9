"""Who had sent what when a kernel wrote a line."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.kit.history import Event, History

Key = tuple[str, Any]
_EXACT = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)


def is_of_client(event: Event) -> bool:
    """Whether a line is of or for a client."""
    return event.actor.startswith("client:")


def messages_of(line: bytes) -> list[dict[str, Any]]:
    """The messages of a line, of a batch too, with exact numbers; none where it cannot be read."""
    try:
        value = _EXACT.decode(line.decode("utf-8"))
    except (ValueError, ArithmeticError, RecursionError):
        return []
    return [message for message in (value if isinstance(value, list) else [value]) if isinstance(message, dict)]


def key_of(message: dict[str, Any]) -> Key:
    """An id as one key for each JSON value: 1, 1.0 and 1e0 are one, and "1" is another."""
    value = message["id"]
    return type(value).__name__, value if isinstance(value, (str, Decimal)) else repr(value)


def _lines_of(event: Event) -> Iterator[bytes]:
    line = event.data.removesuffix(b"\r")
    yield line
    yield from line.split(b"\n")  # a host may hand over line feeds


@dataclass
class Traffic:
    """The lines up to some moment. A kernel may leave the CR before a line's LF away, and nothing else."""

    history: InitVar[History]
    _all: dict[bool, set[bytes]] = field(default_factory=lambda: {True: set(), False: set()})  # True: by clients
    _sent: dict[bool, set[bytes]] = field(default_factory=lambda: {True: set(), False: set()})
    _methods: dict[bool, set[str]] = field(default_factory=lambda: {True: set(), False: set()})
    _asked: defaultdict[Key, list[tuple[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    _received: defaultdict[tuple[str, Key], list[tuple[bytes, Any]]] = field(default_factory=lambda: defaultdict(list))
    _forwarded: set[bytes] = field(default_factory=set)
    _authors: defaultdict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))
    _lines: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    _known: defaultdict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self, history: History) -> None:
        """Look at what is going to be sent."""
        for event in history.lines(direction="in"):
            self._all[is_of_client(event)].update(_lines_of(event))

    def add(self, event: Event, messages: Sequence[dict[str, Any]]) -> None:
        """Take in the next line, which has these messages."""
        line = event.data.removesuffix(b"\r")
        by_client = is_of_client(event)
        self._lines[event.actor].append(line)
        if event.dir == "in":
            self._sent[by_client].update(_lines_of(event))
            self._authors[line].add(event.actor)
            self._methods[by_client].update(m["method"] for m in messages if isinstance(m.get("method"), str))
        elif not by_client:
            self._known[event.actor].add(line)
        for message in messages:
            if event.dir == "in" and by_client and "id" in message:
                self._asked[key_of(message)].append((event.actor, line))
            elif event.dir == "out" and not by_client and wire.kind_of(message) is Kind.REQUEST:
                self._received[event.actor, key_of(message)].append((line, message.get("sessionId")))
                self._forwarded.add(line)
            elif event.dir == "in" and not by_client and wire.kind_of(message) is Kind.RESPONSE:
                self._known[event.actor].add(line)  # it may have made a session, and told it so

    def is_known(self, event: Event) -> bool:
        """Whether a line is, byte for byte, one that the other side had sent."""
        return event.data.removesuffix(b"\r") in self._sent[not is_of_client(event)]

    def is_of_beyond(self, event: Event) -> bool:
        """Whether a line is one that the other side sends; its LF may be yet to come, which is for KRN-FRM-01 to tell."""
        return event.data.removesuffix(b"\r") in self._all[not is_of_client(event)]

    def methods_from_beyond(self, event: Event) -> set[str]:
        """The methods that the side had called from which a line comes."""
        return self._methods[not is_of_client(event)]

    def has_asked(self, client: str, key: Key) -> bool:
        """Whether a client had sent anything with an id."""
        return any(actor == client for actor, _ in self._asked[key])

    def was_forwarded(self, client: str, key: Key) -> bool:
        """Whether everything that a client had sent with an id had reached a worker."""
        asked = [line for actor, line in self._asked[key] if actor == client]
        return bool(asked) and self._forwarded.issuperset(asked)

    def owners(self, event: Event, message: dict[str, Any]) -> set[str]:
        """The clients whose requests a worker's response can answer: those of its session, if it has one that fits."""
        key, session = key_of(message), message.get("sessionId")
        authors = self._authors[event.data.removesuffix(b"\r")]
        reached = [request for worker in authors for request in self._received[worker, key]]
        fitting = [line for line, its_session in reached if its_session == session] or [line for line, _ in reached]
        return {actor for actor, line in self._asked[key] if line in fitting}

    def mentions(self, event: Event, text: bytes) -> bool:
        """Whether a text occurs in an earlier line from or to the actor of a line, or may under escapes."""
        return any(text in line or b"\\" in line for line in self._lines[event.actor])

    def only_author(self, event: Event) -> str:
        """Who has sent the bytes of a line, if nobody else has."""
        authors = self._authors[event.data.removesuffix(b"\r")]
        return next(iter(authors)) if len(authors) == 1 else ""

    def is_elsewhere(self, worker: str, text: bytes) -> bool:
        """Whether clients' lines have a text, and all of them were read by workers other than one.

        That one has not told it to anybody in a response either.
        """
        if any(_has(line, text) for line in self._known[worker]):
            return False
        having = {line for line in self._sent[True] if _has(line, text)}
        return bool(having) and having <= set().union(*self._known.values())


def _has(line: bytes, text: bytes) -> bool:
    """Whether a text occurs in a line, however it is spelled there; one that cannot be read may have any."""
    if text in line or b"\\" not in line:
        return text in line
    try:
        return text in wire.encode(json.loads(line))
    except (ValueError, RecursionError):
        return True
