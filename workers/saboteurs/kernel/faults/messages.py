"""Faults in reading a line (KRN-FRM-03 to KRN-FRM-12, KRN-TRN, KRN-COR-04)."""

from __future__ import annotations

import json
import os

from asks import Asks
from bus import Bus
from envelopes import INVALID_REQUEST, NOTIFICATION, PARSE_ERROR, Number, Reader, Refusal, is_text
from routes import Routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from channels import Line
    from envelopes import Envelope, Member
    from peers import Peer, Worker

_BAD = ("not_json", "not_an_object")
_DEEPEST = 100


class DiesOfGarbage(Bus):
    """Ends when a client sends what is not JSON."""

    def refuse(self, peer: Peer, line: Line, refusal: Refusal) -> None:
        if peer in self.clients and refusal.reason == "not_json":
            os.abort()
        super().refuse(peer, line, refusal)


class KeepsQuietAboutGarbage(Bus):
    """Does not answer what is not a JSON object."""

    def refuse(self, peer: Peer, line: Line, refusal: Refusal) -> None:
        if peer not in self.clients or refusal.reason not in _BAD:
            super().refuse(peer, line, refusal)


class EndsEverybodysConnection(Bus):
    """Closes every other connection when one client sends what is not a JSON object."""

    def refuse(self, peer: Peer, line: Line, refusal: Refusal) -> None:
        super().refuse(peer, line, refusal)
        if refusal.reason in _BAD:
            for client in list(self.clients):
                if client is not peer and peer in self.clients:
                    self.leave(client)


class ClosesAfterBadLines(Bus):
    """Closes the connection of a client that has sent what is not a JSON object."""

    def refuse(self, peer: Peer, line: Line, refusal: Refusal) -> None:
        super().refuse(peer, line, refusal)
        if refusal.reason in _BAD and peer in self.clients:
            peer.channel.on_room = peer.channel.close


class ClosesAfterLongLines(Bus):
    """Closes the connection of a client whose line was too long."""

    def refuse(self, peer: Peer, line: Line, refusal: Refusal) -> None:
        super().refuse(peer, line, refusal)
        if line.cut and peer in self.clients:
            peer.channel.on_room = peer.channel.close


class SaysParseErrorToArrays(Reader):
    """Calls JSON that is no object no JSON."""

    def read(self, line: bytes) -> Envelope:
        try:
            return super().read(line)
        except Refusal as refusal:
            if refusal.reason == "not_an_object":
                refusal.code = PARSE_ERROR
            raise


class GivesNoReasonForLongLines(Reader):
    """Does not say that a line was too long."""

    def read_line(self, line: Line) -> Envelope:
        if line.cut:
            raise Refusal(INVALID_REQUEST, "refused")
        return super().read_line(line)


class _Lenient(Reader):
    """Reads one spelling as another one of the same length, and forwards it as it came."""

    wrong, right = "", ""

    def members(self, text: str) -> Iterator[Member]:
        return super().members(text.replace(self.wrong, self.right))


class AcceptsSingleQuotes(_Lenient):
    """Takes single quotes for quotes."""

    wrong, right = "'", '"'


class AcceptsUnknownEscapes(_Lenient):
    r"""Knows the escape \\x."""

    wrong, right = "\\x", "\\\\"


class AcceptsTrailingCommas(_Lenient):
    """Does not mind a comma before a bracket."""

    wrong, right = ",]", " ]"


class AcceptsNan(Reader):
    """Takes NaN for a number."""

    def parse_constant(self, name: str) -> Any:
        return name


class AcceptsTails(Reader):
    """Does not look at what follows the object."""

    def at_end(self, text: str, at: int) -> None:
        if text[:at].lstrip()[:1] != "{":
            super().at_end(text, at)


class AcceptsInvalidUtf8(Reader):
    """Forwards bytes that are no UTF-8."""

    def decode(self, line: bytes) -> str:
        return line.decode("utf-8", "replace")


class RefusesDepth(Reader):
    """Refuses a hundred levels of nesting."""

    def decode(self, line: bytes) -> str:
        text = super().decode(line)
        if text.count("[") > _DEEPEST or text.count("{") > _DEEPEST:
            raise ValueError(text)
        return text


class DiesOfDepth(Reader):
    """Ends when a line is nested without end."""

    def decode(self, line: bytes) -> str:
        if max(line.count(b"["), line.count(b"{")) > _DEEPEST**2:
            os.abort()
        return super().decode(line)


class ChecksTheVersion(Reader):
    """Refuses a request whose jsonrpc is there and not 2.0."""

    def classified(self, envelope: Envelope) -> Envelope:
        version = envelope.named.get("jsonrpc")
        if version and version.value != "2.0":
            raise Refusal(INVALID_REQUEST, "wrong_version")
        return super().classified(envelope)


class ForwardsWhatHasNoClass(Reader):
    """Takes an object that is no message for a notification."""

    def classified(self, envelope: Envelope) -> Envelope:
        try:
            return super().classified(envelope)
        except Refusal as refusal:
            if refusal.reason != "no_message":
                raise
            envelope.kind = NOTIFICATION
            return envelope


class AnswersNotifications(Routes):
    """Answers a notification that cannot be routed."""

    def take(self, client: Peer, envelope: Envelope) -> Peer | None:
        if envelope.kind == NOTIFICATION and envelope.text_of("pool") not in {None, *self.bus.pools}:
            self.refuse(client, envelope, "unknown_pool")  # type: ignore[arg-type]
            return None
        return super().take(client, envelope)  # type: ignore[arg-type]


class TakesTheLastDouble(Reader):
    """Does not mind a routing member that stands twice."""

    def doubles(self, names: list[str]) -> set[str]:
        return set()


class RefusesEveryDouble(Reader):
    """Refuses any member that stands twice."""

    def doubles(self, names: list[str]) -> set[str]:
        return {name for name in names if names.count(name) > 1}


class RewritesRequests(Routes):
    """Writes what clients send anew, as its JSON library spells it."""

    def forwarded(self, envelope: Envelope) -> bytes:
        return _anew(envelope)


class RewritesMessages(Asks):
    """Writes what workers send anew, as its JSON library spells it."""

    def deliver(self, worker: Worker, client: Peer, envelope: Envelope, session_text: str) -> None:
        if envelope.kind == "response":
            super().deliver(worker, client, envelope, session_text)
        else:
            client.channel.send(_anew(envelope))


class RewritesResponses(Asks):
    """Writes responses anew, as its JSON library spells them."""

    def deliver(self, worker: Worker, client: Peer, envelope: Envelope, session_text: str) -> None:
        if envelope.kind == "response":
            client.channel.send(_anew(envelope))
        else:
            super().deliver(worker, client, envelope, session_text)


class ComparesSpellings(Reader):
    """Compares ids as they are spelled."""

    def classified(self, envelope: Envelope) -> Envelope:
        read = super().classified(envelope)
        if read.id:
            read.id = ("spelled", read.spelled("id"))
        return read


class RoundsIds(Reader):
    """Compares numbers as doubles."""

    def key(self, value: Any) -> Any:
        return ("number", float(value)) if isinstance(value, Number) else super().key(value)


class TakesNumbersForTexts(Reader):
    """Compares ids without their types."""

    def key(self, value: Any) -> Any:
        return ("text", str(value)) if isinstance(value, Number) else super().key(value)


class ReadsNamesAsSpelled(Reader):
    """Does not decode the names of members."""

    def members(self, text: str) -> Iterator[Member]:
        for member in super().members(text):
            member.name = text[member.start + 1 : member.value_at].rpartition('"')[0]
            yield member


class LooksIntoParams(Routes):
    """Takes a pool in params for one that is named."""

    def pool_of(self, envelope: Envelope) -> Any:
        params = envelope.named.get("params")
        name = params.value.get("pool") if params and isinstance(params.value, dict) else None
        return self.bus.pools[name] if is_text(name) and name in self.bus.pools else super().pool_of(envelope)


def _anew(envelope: Envelope) -> bytes:
    return json.dumps(json.loads(envelope.line), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
