"""Is an adapter sound: does it keep to the protocol, whatever its SDK does.

No bus is opened, so that nothing but the adapter itself is looked at.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.adapters.result import Blame, Check, Outcome
from pytest_stdiobus.kit.adapters.talk import EVENTS, LINES, SilenceError, Talk
from pytest_stdiobus.kit.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.target import Target

RULES = {
    "describe": (
        "describe is answered with name, version, language, backends and capabilities",
        "Answer before anything is opened. Flush after each line.",
    ),
    "unknown-command": (
        'a command that it does not know is answered {"answer": COMMAND, "unsupported": true}',
        "Have a last branch for what is not known; a later kit may ask more.",
    ),
    "unknown-op": (
        'a call with an op that it does not know has the event "unsupported"',
        "Have a last branch for what is not known; the kit also uses it to see that all before has begun.",
    ),
    "capabilities": (
        'an op is "unsupported" if, and only if, describe does not name it',
        "Make the list of capabilities from the ops that there are, not by hand.",
    ),
    "no-bus": (
        "a call that needs a bus fails where none is open",
        "Tell the event error with a name, such as INVALID_STATE.",
    ),
    "close": ("close is answered, also where nothing is open", "Answer it at once if there is nothing to close."),
    LINES: (
        "stdout holds one JSON object a line that is valid against the schema, and nothing else",
        "Print to stderr; give the SDK another descriptor than 1 if it prints by itself.",
    ),
    EVENTS: (
        "every answer and event belongs to a command, and nothing follows the last event of a call",
        "Send back the id of the call; result, error, end and unsupported are its last event.",
    ),
    "exit": ("exit ends it with status 0", "Close what is open and leave; do not wait for calls."),
    "end-of-input": ("the end of its input ends it with status 0", "Do what exit does: the kit may be gone."),
    "leaves-nothing": ("nothing that it started outlives it", "End the kernel and its workers before leaving."),
}
# The ops of the protocol with what each needs at least, in the order in which they are tried.
_OPS: dict[str, dict[str, Any]] = {
    "request": {"method": "lint"},
    "notify": {"method": "lint"},
    "send": {"line": '{"jsonrpc":"2.0","method":"lint"}'},
    "hello": {"offer": {"protocolVersion": "1"}},
    "respond": {"request": {"jsonrpc": "2.0", "id": 1, "method": "lint"}, "result": None},
    "stream": {"method": "lint"},
    "subscribe": {},
    "on_message": {},
    "on_notification": {},
    "next": {"of": "nothing", "n": 1},
    "cancel": {"of": "nothing"},
    "unsubscribe": {"of": "nothing"},
    "state": {},
    "stats": {},
    "pending": {},
    "probe": {"name": "threads"},
    "stop": {},
    "destroy": {},
}
_NEEDS_BUS = frozenset({"request", "notify", "send", "hello", "respond", "stream"})
_STAYS_OPEN = frozenset({"stream", "subscribe", "on_message", "on_notification"})
_NOT_SEEN = "describe was not answered, or the adapter had ended before"
_MOST = 5  # sentences about one rule


def lint(target: Target, *, time_scale: float = 1.0) -> Outcome:
    """Start an adapter twice and look at all it says; `time_scale` is a factor on every wait."""
    outcome = Outcome()
    with Supervisor(time_scale) as supervisor:
        look = _Look(target, supervisor, time_scale, outcome)
        seen = look.run()
    for name, (rule, hint) in RULES.items():
        if name not in seen:
            outcome.checks.append(Check(name, rule, Blame.SKIPPED, _NOT_SEEN))
        elif name == "describe" and look.missing:
            outcome.checks.append(Check(name, rule, Blame.SDK, look.missing, "Install what it names, and try again."))
        elif seen[name]:
            outcome.checks.append(Check(name, rule, Blame.ADAPTER, seen[name], hint))
        else:
            outcome.checks.append(Check(name, rule))
    return outcome


class _Look:
    """What is seen of an adapter: by each rule what contradicts it, nothing where it is kept."""

    def __init__(self, target: Target, supervisor: Supervisor, time_scale: float, outcome: Outcome) -> None:
        self._start = partial(Talk, target, supervisor, time_scale=time_scale)
        self._outcome = outcome
        self._named: frozenset[str] | None = None
        self.missing = ""  # why an adapter cannot describe its SDK
        self._seen: dict[str, str] = {}

    def run(self) -> dict[str, str]:
        with self._start() as talk:
            self._outcome.histories["exit"] = talk.history
            self._try(talk, "describe", self._describe)
            self._try(talk, "unknown-command", _unknown_command)
            self._try(talk, "unknown-op", _unknown_op)
            if self._named is not None:
                self._try(talk, "capabilities", partial(_capabilities, self._named))
                self._try(talk, "no-bus", partial(_no_bus, self._named))
            self._try(talk, "close", _close)
            self._try(talk, "exit", lambda talk: _end(talk, "exit"))
            self._finish(talk)
        with self._start() as talk:
            self._outcome.histories["end-of-input"] = talk.history
            self._try(talk, "end-of-input", _end)
            self._finish(talk)
        return self._seen

    def _try(self, talk: Talk, name: str, look: Callable[[Talk], str]) -> None:
        if talk.has_ended:
            return
        try:
            self._seen[name] = look(talk)
        except SilenceError as silence:
            self._seen[name] = str(silence)
            talk.hurry()

    def _finish(self, talk: Talk) -> None:
        """What was wrong with lines that nobody waited for, and what is left."""
        left = talk.left_behind()
        told = {"leaves-nothing": [f"still running: {', '.join(left)}"] if left else []}
        told |= {name: [said for about, said in talk.faults if about == name] for name in (LINES, EVENTS)}
        for name, sentences in told.items():
            self._seen[name] = "; ".join(filter(None, [self._seen.get(name, ""), *sentences[:_MOST]]))

    def _describe(self, talk: Talk) -> str:
        about = talk.ask("describe")
        if "error" in about:
            self.missing = f"{about['error'].get('name')}: {about['error'].get('message', 'no more is said')}"
            return self.missing
        if "unsupported" in about:
            return "it is unsupported"
        self._named = frozenset(name for name in about.get("capabilities", ()) if isinstance(name, str))
        return ""


def _capabilities(named: frozenset[str], talk: Talk) -> str:
    wrong = []
    for op, needs in _OPS.items():
        call = talk.call(op, **needs)
        if op not in named:
            if (event := talk.last(call)["event"]) != "unsupported":
                wrong.append(f"{op} is not described, and its event is {event}")
        elif op not in _STAYS_OPEN and talk.last(call)["event"] == "unsupported":
            wrong.append(f"{op} is described and unsupported")
    return "; ".join(wrong)


def _no_bus(named: frozenset[str], talk: Talk) -> str:
    wrong = []
    for op in sorted(_NEEDS_BUS & named):
        call = talk.call(op, **_OPS[op])
        if op in _STAYS_OPEN:
            talk.last(talk.call("next", of=call, n=1))
        if (event := talk.last(call)["event"]) in {"result", "end"}:
            wrong.append(f"{op} without a bus has the event {event}")
    return "; ".join(wrong)


def _unknown_command(talk: Talk) -> str:
    answer = talk.ask(f"lint-{secrets.token_hex(4)}")
    return "" if answer.get("unsupported") is True else f"it was answered {wire.encode(answer).decode()}"


def _unknown_op(talk: Talk) -> str:
    event = talk.last(talk.call(f"lint-{secrets.token_hex(4)}"))
    return "" if event["event"] == "unsupported" else f"its event was {event['event']}"


def _close(talk: Talk) -> str:
    return "close is unsupported" if "unsupported" in talk.ask("close") else ""


def _end(talk: Talk, command: str = "") -> str:
    how = talk.end(command)
    if "signal" in how:
        return f"it was ended by {how['signal']}"
    return f"it ended with status {how['code']}" if how["code"] else ""
