"""The calls by which an adapter is tried with one backend, and what has to come of them."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.adapters.result import Blame, Check
from pytest_stdiobus.kit.adapters.talk import SilenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stdiobus.kit.adapters.peer_log import PeerLog
    from pytest_stdiobus.kit.adapters.talk import Talk

RULES = {
    "open": "open makes a client of the configuration and starts it",
    "request": "request sends method and params as they are, and gives the result as it is",
    "at-once": "calls run at the same time: a request that waits holds up no other",
    "failure": "the error of a worker is the event error",
    "stream": "stream gives what next pulls and no more: chunks as they came, then the result",
    "notify": "notify sends a notification and ends",
    "send": "send sends a line and ends",
    "subscribe": "subscribe keeps notifications until next pulls them, and unsubscribe ends it",
    "on_message": "on_message gives every line that arrives, unasked",
    "on_notification": "on_notification gives every notification, unasked",
    "respond": "respond answers the request of a worker",
    "cancel": "cancel gives a request up: both calls end",
    "hello": "hello gives what was negotiated",
    "state": "state is one of CREATED, STARTING, RUNNING, STOPPING, STOPPED",
    "pending": "pending is a number of requests",
    "stats": "stats are counters by name",
    "close": "close stops the client, and a request after it fails",
    "again": "after close another client can be opened, which knows nothing of the first",
    "exit": "exit ends the adapter with status 0",
    "lines": "every line is valid and belongs to a command",
    "leaves-nothing": "nothing outlives the adapter",
}
HINT = "compare what the peer saw with the API of the SDK: the adapter may call it in another way than it is meant"
_NEEDS = {
    "at-once": {"request"},
    "failure": {"request"},
    "cancel": {"request", "cancel"},
}  # of others the op of the same name
_PARAMS = {"text": "\u00fc", "number": 1, "fraction": 1.5, "list": [True, None], "empty": {}}
_CHUNKS = ["one", " two", " three"]
_LINE = {"jsonrpc": "2.0", "method": "smoke/line"}
_STATES = frozenset({"CREATED", "STARTING", "RUNNING", "STOPPING", "STOPPED"})
_OFFER = {"protocolVersion": "1"}


class WrongError(Exception):
    """What came is not what the rule says."""

    def __init__(self, said: str, blame: Blame = Blame.SDK) -> None:
        """Keep what was seen, and whose it is."""
        super().__init__(said)
        self.blame = blame


class Trial:
    """One life of an adapter with one backend."""

    def __init__(self, talk: Talk, log: PeerLog, backend: str, capabilities: frozenset[str]) -> None:
        """Prepare."""
        self._talk = talk
        self._log = log
        self._backend = backend
        self._capabilities = capabilities

    def run(self) -> Iterator[Check]:
        """Every check; without an open client no more than that."""
        opened = self._check("open", self._open)
        yield opened
        if opened.blame is not Blame.NOBODY:
            return
        for name, rule in RULES.items():
            if (step := getattr(self, f"_try_{name.replace('-', '_')}", None)) is None:
                continue
            if _NEEDS.get(name, {name}) <= self._capabilities:
                yield self._check(name, step)
            else:
                yield Check(f"{self._backend}/{name}", rule, Blame.SKIPPED, "describe does not name it")
        for name, step in (("close", self._close), ("again", self._again), ("exit", self._exit)):
            if self._talk.has_ended:
                yield Check(f"{self._backend}/{name}", RULES[name], Blame.SKIPPED, "the adapter had ended before")
            else:
                yield self._check(name, step)

    def _check(self, name: str, step: Callable[[], None]) -> Check:
        blame, said = Blame.NOBODY, ""
        try:
            step()
        except WrongError as wrong:
            blame, said = wrong.blame, str(wrong)
        except SilenceError as silence:
            blame, said = self._silent(str(silence))
        if blame is Blame.SDK:
            return Check(f"{self._backend}/{name}", RULES[name], blame, f"{said}\nthe peer: {self._log.told()}", HINT)
        return Check(f"{self._backend}/{name}", RULES[name], blame, said)

    def _silent(self, said: str) -> tuple[Blame, str]:
        """Whose silence it is.

        An adapter that still answers is not the one that hangs; a process that crashes does so in what the SDK brings.
        """
        self._talk.hurry()
        if self._talk.has_ended:
            return Blame.SDK if self._talk.has_crashed else Blame.ADAPTER, said
        try:
            self._talk.last(self._talk.call(f"smoke-{secrets.token_hex(4)}"))
        except SilenceError:
            return Blame.ADAPTER, f"{said}, and meanwhile it answers nothing else: calls must run at the same time"
        return (
            Blame.SDK,
            f"{said}, while the adapter answers other calls: the SDK hangs, or the last event is forgotten",
        )

    def _open(self) -> None:
        pool = {"id": "smoke", "command": sys.executable, "args": self._log.arguments, "instances": 1}
        config = {"pools": [pool], "limits": {"drain_timeout_sec": 1}}  # a request is left unanswered
        answer = self._talk.ask("open", config=config, backend=self._backend, kernel=str(self._log.kernel))
        if "unsupported" in answer:
            message = "open is unsupported"
            raise WrongError(message, Blame.ADAPTER)
        if "error" in answer:
            raise WrongError(_told(answer["error"]))

    def _try_request(self) -> None:
        result = self._result(self._talk.call("request", method="smoke/echo", params=_PARAMS))
        _expect(result, {"echo": _PARAMS})

    def _try_at_once(self) -> None:
        late = self._talk.call("request", method="smoke/late")
        self._arrives("smoke/late")
        self._try_request()
        _expect(self._result(late), "late")

    def _try_failure(self) -> None:
        event = self._talk.last(self._talk.call("request", method="smoke/unknown"))
        if event["event"] != "error":
            message = f"the peer refused the method, and the event is {event['event']}"
            raise WrongError(message)

    def _try_stream(self) -> None:
        stream = self._talk.call("stream", method="smoke/stream")
        self._fence()
        if early := self._talk.events(stream):
            message = f"nothing was pulled, and there is the event {early[0]['event']}"
            raise WrongError(message, Blame.ADAPTER)
        self._pull(stream, 1)
        if (number := len(self._talk.events(stream))) > 1:
            message = f"one item was pulled, and {number} came"
            raise WrongError(message, Blame.ADAPTER)
        self._pull(stream, len(_CHUNKS) + 1)
        result = self._result(stream)
        chunks = [event["value"] for event in self._talk.events(stream) if event["event"] == "chunk"]
        _expect(chunks, _CHUNKS)
        _expect(result, {"done": True, "text": "".join(_CHUNKS)})

    def _try_notify(self) -> None:
        self._done(self._talk.call("notify", method="smoke/note", params=_PARAMS))
        self._arrives("smoke/note")
        _expect(self._log.lines("in", "smoke/note")[0].get("params"), _PARAMS)

    def _try_send(self) -> None:
        self._done(self._talk.call("send", line=wire.encode(_LINE).decode()))
        self._arrives(_LINE["method"])

    def _try_subscribe(self) -> None:
        subscription = self._talk.call("subscribe")
        self._fence()
        self._result(self._talk.call("request", method="smoke/tell"))
        self._pull(subscription, 1)
        told = [event.get("value") for event in self._talk.events(subscription)]
        if [value.get("method") for value in told if isinstance(value, dict)] != ["smoke/told"]:
            message = f"the peer told smoke/told once, and the subscription has {wire.preview(wire.encode(told))}"
            raise WrongError(message)
        if "unsubscribe" in self._capabilities:
            self._done(self._talk.call("unsubscribe", of=subscription))
            self._pull(subscription, 1)
            self._done(subscription)

    def _try_on_message(self) -> None:
        self._hears("on_message")

    def _try_on_notification(self) -> None:
        self._hears("on_notification")

    def _hears(self, op: str) -> None:
        handler = self._talk.call(op)
        self._fence()
        self._result(self._talk.call("request", method="smoke/tell"))
        if not self._talk.until(lambda: any("smoke/told" in str(event) for event in self._talk.events(handler))):
            message = f"the peer told smoke/told, and {op} has {len(self._talk.events(handler))} lines without it"
            raise WrongError(message)

    def _try_respond(self) -> None:
        asked = self._talk.call("request", method="smoke/ask")
        if not self._talk.until(lambda: bool(self._log.lines("out", "smoke/question"))):
            message = "the request for whose sake the peer asks has not reached it"
            raise WrongError(message)
        (question,) = self._log.lines("out", "smoke/question")
        self._done(self._talk.call("respond", request=question, result={"n": 1}))
        _expect(self._result(asked), {"answer": {"n": 1}})

    def _try_cancel(self) -> None:
        request = self._talk.call("request", method="smoke/silence")
        self._fence()
        self._done(self._talk.call("cancel", of=request))
        self._talk.last(request)

    def _try_hello(self) -> None:
        agreed = self._result(self._talk.call("hello", offer=_OFFER))
        _expect(agreed.get("negotiatedProtocolVersion") if isinstance(agreed, dict) else agreed, "1")

    def _try_state(self) -> None:
        if (state := self._result(self._talk.call("state"))) not in _STATES:
            message = f"the state is {state!r}"
            raise WrongError(message, Blame.ADAPTER)

    def _try_pending(self) -> None:
        if type(number := self._result(self._talk.call("pending"))) is not int:
            message = f"pending is {number!r}"
            raise WrongError(message, Blame.ADAPTER)

    def _try_stats(self) -> None:
        stats = self._result(self._talk.call("stats"))
        if not isinstance(stats, dict) or not all(type(value) is int for value in stats.values()):
            message = f"stats are {stats!r}"
            raise WrongError(message, Blame.ADAPTER)

    def _close(self) -> None:
        answer = self._talk.ask("close")
        if "error" in answer:
            raise WrongError(_told(answer["error"]))
        if "request" in self._capabilities:
            event = self._talk.last(self._talk.call("request", method="smoke/echo"))
            if event["event"] != "error":
                message = f"a request after close has the event {event['event']}"
                raise WrongError(message)

    def _again(self) -> None:
        self._open()
        if "request" in self._capabilities:
            self._try_request()
        if "error" in (answer := self._talk.ask("close")):
            raise WrongError(_told(answer["error"]))

    def _exit(self) -> None:
        if (how := self._talk.end("exit")).get("code") != 0:
            message = f"it ended with {how}"
            raise WrongError(message, Blame.ADAPTER)

    def _fence(self) -> None:
        """Wait until everything before has begun: calls begin in their order."""
        self._talk.last(self._talk.call(f"smoke-{secrets.token_hex(4)}"))

    def _pull(self, handle: str, number: int) -> None:
        self._done(self._talk.call("next", of=handle, n=number))

    def _arrives(self, method: str) -> None:
        if not self._talk.until(lambda: bool(self._log.lines("in", method))):
            message = f"{method} has not reached the peer"
            raise WrongError(message)

    def _result(self, call: str) -> Any:
        event = self._talk.last(call)
        if event["event"] == "error":
            raise WrongError(_told(event["error"], call))
        if event["event"] != "result":
            message = f"{call} came to {event['event']}: a result was expected"
            raise WrongError(message, Blame.ADAPTER)
        return event["value"]

    def _done(self, call: str) -> None:
        event = self._talk.last(call)
        if event["event"] == "error":
            raise WrongError(_told(event["error"], call))
        if event["event"] == "unsupported":
            message = f"{call} is unsupported, and describe names it"
            raise WrongError(message, Blame.ADAPTER)


def _told(error: dict[str, Any], of: str = "it") -> str:
    return f"{of} failed: {error.get('name')}: {error.get('message', 'no more is said')}"


def _expect(value: Any, expected: Any) -> None:
    if not wire.same(value, expected):
        told, wanted = (wire.preview(wire.encode(each)) for each in (value, expected))
        message = f"expected {wanted}, got {told}"
        raise WrongError(message)
