"""What a line is: valid JSON or not, which kind of message, where its routing members stand."""

from __future__ import annotations

from contextlib import suppress
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs leave it out
from json.scanner import make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from channels import Line

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
REQUEST, NOTIFICATION, RESPONSE = "request", "notification", "response"
ROUTING = ("id", "method", "sessionId", "pool")
BUS_MEMBERS = ("sessionId", "agentId", "_ext", "pool")
_WHITE = " \t\n\r"


class Number(str):
    """A number as it is spelled."""

    __slots__ = ()


class Refusal(Exception):  # noqa: N818 - the answer to a line, not an error of this program
    """A line that is no message."""

    def __init__(self, code: int, reason: str, id_text: str = "null") -> None:
        """Say why, and which id it shows."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.id_text = id_text


class Member:
    """A member of the line's object, with the places of its name and its value."""

    def __init__(self, name: str, value: Any, start: int, value_at: int, end: int) -> None:
        """Hold them."""
        self.name = name
        self.value = value
        self.start = start
        self.value_at = value_at
        self.end = end


class Envelope:
    """A line that has been read: its kind, its members, the keys it is routed by."""

    def __init__(self, line: bytes, text: str, members: list[Member]) -> None:
        """Find the members by their names."""
        self.line = line
        self.text = text
        self.members = members
        self.named = {member.name: member for member in members}
        self.kind = ""
        self.id: Any = None

    def spelled(self, name: str) -> str:
        """A member's value as it is spelled; null where there is none."""
        member = self.named.get(name)
        return self.text[member.value_at : member.end] if member else "null"

    def text_of(self, name: str) -> str | None:
        """The value of a member that is a text."""
        member = self.named.get(name)
        return member.value if member and is_text(member.value) else None

    @property
    def session(self) -> str | None:
        """Its session, if it names one."""
        return self.text_of("sessionId")

    @property
    def inner_session(self) -> str | None:
        """The session that its params or its result name."""
        member = self.named.get("result" if self.kind == RESPONSE else "params")
        value = member.value.get("sessionId") if member and isinstance(member.value, dict) else None
        return value if is_text(value) else None

    def stripped(self) -> bytes:
        """The line without the members of the bus."""
        kept = [index for index, member in enumerate(self.members) if member.name not in BUS_MEMBERS]
        first, last = self.members[0], self.members[-1]
        out = self.text[: first.start]
        for index in kept:
            member = self.members[index]
            glue = self.text[self.members[index - 1].end : member.start] if index != kept[0] else ""
            out += glue + self.text[member.start : member.end]
        return (out + self.text[last.end :]).encode()


class Rules:
    """The settings of a scanner."""

    strict = True
    object_hook: Any = None
    object_pairs_hook: Any = None
    parse_float = parse_int = Number

    def __init__(self, reader: Reader) -> None:
        """Let the reader decide about NaN and the infinities."""
        self.parse_constant = reader.parse_constant


class Reader:
    """Reads lines as RFC 8259 and JSON-RPC say."""

    def __init__(self) -> None:
        """Make the scanner."""
        self._scan: Any = make_scanner(self.rules())

    def rules(self) -> Any:
        """What the scanner takes its settings from."""
        return Rules(self)

    def parse_constant(self, name: str) -> Any:
        """Refuse NaN and the infinities."""
        raise ValueError(name)

    def read_line(self, line: Line) -> Envelope:
        """A line that may have been too long.

        Raises:
            Refusal: it was, or it is no message.
        """
        if line.cut:
            raise Refusal(INVALID_REQUEST, "message_too_large")
        return self.read(line.data)

    def read(self, line: bytes) -> Envelope:
        """A line as an envelope.

        Raises:
            Refusal: it is no message.
        """
        try:
            text = self.decode(line)
            members = list(self.members(text))
        except TypeError:
            raise Refusal(INVALID_REQUEST, "not_an_object") from None
        except (ValueError, RecursionError):
            raise Refusal(PARSE_ERROR, "not_json") from None
        return self.classified(Envelope(line, text, members))

    def decode(self, line: bytes) -> str:
        """The line as text."""
        return line.decode()

    def members(self, text: str) -> Iterator[Member]:
        """The members of the object, as far as they are valid.

        Raises:
            ValueError: the text is no JSON.
            TypeError: it is no object.
        """
        at = _skip(text, 0)
        if text[at : at + 1] != "{":
            self.at_end(text, self.value(text, at)[1])
            raise TypeError(text)
        at = _skip(text, at + 1)
        while text[at : at + 1] != "}":
            start = at
            name, at = scanstring(text, _after('"', text, at), True)
            value_at = _skip(text, _after(":", text, _skip(text, at)))
            value, at = self.value(text, value_at)
            yield Member(name, value, start, value_at, at)
            at = _skip(text, at)
            if text[at : at + 1] != "}":
                at = _skip(text, _after(",", text, at))
                if text[at : at + 1] == "}":
                    raise ValueError(text)
        self.at_end(text, at + 1)

    def at_end(self, text: str, at: int) -> None:
        """Refuse what follows."""
        if _skip(text, at) != len(text):
            raise ValueError(text)

    def value(self, text: str, at: int) -> tuple[Any, int]:
        """The value at a place, and where it ends."""
        try:
            found: tuple[Any, int] = self._scan(text, at)
        except StopIteration:
            raise ValueError(text) from None
        return found

    def classified(self, envelope: Envelope) -> Envelope:
        """Tell requests, notifications and responses apart."""
        named = envelope.named
        doubles = self.doubles([member.name for member in envelope.members])
        has_id = "id" in named
        envelope.id = self.key(named["id"].value) if has_id else None
        id_text = envelope.spelled("id") if envelope.id and "id" not in doubles else "null"
        if doubles:
            raise Refusal(INVALID_REQUEST, "duplicate_member", id_text)
        routing = all(name not in named or self.may_route(named[name].value) for name in ("sessionId", "pool"))
        if not routing or (has_id and not envelope.id):
            raise Refusal(INVALID_REQUEST, "wrong_type", id_text)
        if "method" in named and is_text(named["method"].value):
            envelope.kind = REQUEST if has_id else NOTIFICATION
        elif "method" not in named and has_id and ("result" in named) != ("error" in named):
            envelope.kind = RESPONSE
        else:
            raise Refusal(INVALID_REQUEST, "no_message", id_text)
        return envelope

    def doubles(self, names: list[str]) -> set[str]:
        """The routing members that stand twice."""
        return {name for name in ROUTING if names.count(name) > 1}

    def may_route(self, value: Any) -> bool:
        """Whether a session or a pool may be this."""
        return value is None or is_text(value)

    def key(self, value: Any) -> Any:
        """An id as what it is compared by; nothing where it can be no id."""
        if isinstance(value, Number):
            return exact(value)
        if value is None:
            return ("null",)
        return ("text", value) if is_text(value) else None

    def salvaged(self, line: bytes) -> Envelope:
        """What a line that is no message shows all the same: the members of its object that can be read."""
        text = line.decode("utf-8", "replace")
        members: list[Member] = []
        depth, at = 0, _skip(text, 0)
        with suppress(ValueError, RecursionError):
            while at < len(text):
                if text[at] == '"':
                    start = at
                    name, at = scanstring(text, at + 1, True)
                    colon = _skip(text, at)
                    if depth == 1 and text[colon : colon + 1] == ":":
                        at = colon + 1
                        members += self.shown(text, name, start, _skip(text, at))
                    continue
                depth += (text[at] in "{[") - (text[at] in "}]")
                at += 1
                if not depth:
                    break
        envelope = Envelope(line, text, members)
        envelope.id = self.key(envelope.named["id"].value) if "id" in envelope.named else None
        return envelope

    def shown(self, text: str, name: str, start: int, value_at: int) -> list[Member]:
        """A member, if its value is one."""
        try:
            value, end = self.value(text, value_at)
        except (ValueError, RecursionError):
            return []
        return [Member(name, value, start, value_at, end)]


def is_text(value: Any) -> bool:
    """Whether a value is a JSON string."""
    return isinstance(value, str) and not isinstance(value, Number)


def exact(spelled: str) -> tuple[str, str, str, int]:
    """A number as sign, digits and power of ten: equal for equal values, however they are spelled."""
    mantissa, _, exponent = spelled.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole.lstrip("-") + fraction).lstrip("0")
    short = digits.rstrip("0")
    if not short:
        return "number", "", "", 0
    sign = "-" if spelled.startswith("-") else ""
    return "number", sign, short, int(exponent or "0") - len(fraction) + len(digits) - len(short)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _WHITE:
        at += 1
    return at


def _after(char: str, text: str, at: int) -> int:
    if text[at : at + 1] != char:
        raise ValueError(text)
    return at + 1
