"""What is true of every history of an ACP agent, whatever the case was about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.checks.conversation import conversation, misfits, params_of
from pytest_stdiobus.kit.checks.worker import at_most_one_response_to_a_request, only_json_objects_on_stdout
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.history import Event, History

# What belongs to a turn; commands, modes, titles and usage may change at any time.
_OF_A_TURN = frozenset({"agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update", "plan"})


@invariant("WRK-ACP-03", subject="worker", profile="acp")
def only_messages_on_stdout(history: History) -> Iterator[Finding]:
    """Every line is one message of JSON-RPC 2.0."""
    for finding in only_json_objects_on_stdout(history):
        yield Finding("WRK-ACP-03", Outcome.FAIL, finding.explanation, finding.events)
    for event in history.lines():
        message = wire.parsed(event.data)
        if message is not None and (wire.kind_of(message) is Kind.OTHER or message.get("jsonrpc") != "2.0"):
            yield _fail("WRK-ACP-03", event, f"{wire.preview(event.data)} is not a message of JSON-RPC 2.0")


@invariant("WRK-ACP-04", subject="worker", profile="acp")
def one_response_to_a_request(history: History) -> Iterator[Finding]:
    """No request is answered twice, and nothing is answered that was not asked."""
    for finding in at_most_one_response_to_a_request(history):
        yield Finding("WRK-ACP-04", Outcome.FAIL, finding.explanation, finding.events)


@invariant("WRK-ACP-10", subject="worker", profile="acp")
def nothing_of_a_cancelled_turn_after_its_response(history: History) -> Iterator[Finding]:
    """What a cancelled turn still has to say precedes its response."""
    for event in _late_updates(history, cancelled=True):
        yield _fail("WRK-ACP-10", event, f"{wire.preview(event.data)} came after the response of the cancelled turn")


@invariant("WRK-ACP-17", subject="worker", profile="acp")
def nothing_of_a_turn_after_its_response(history: History) -> Iterator[Finding]:
    """Messages and tool calls of a turn precede its response."""
    for event in _late_updates(history, cancelled=False):
        yield _fail("WRK-ACP-17", event, f"{wire.preview(event.data)} came after the turn's response")


@invariant("WRK-ACP-18", subject="worker", profile="acp")
def no_update_before_the_session_is_known(history: History) -> Iterator[Finding]:
    """The client learns a new session's id from the response; before that it cannot know whose an update is."""
    known: set[str] = set()
    for said in conversation(history):
        if not said.by_target:
            known.add(_session(said.message))
        elif said.method == "session/new" and isinstance(said.message.get("result"), dict):
            known.add(str(said.message["result"].get("sessionId")))
        elif said.method == "session/update" and said.by_target and (session := _session(said.message)) not in known:
            yield _fail("WRK-ACP-18", said.event, f"no session/new or session/load has named the session {session!r}")


@invariant("WRK-ACP-19", subject="worker", profile="acp")
def messages_fit_the_schema(history: History) -> Iterator[Finding]:
    """Results and parameters are valid against the schema of the protocol."""
    for event, why in misfits(history, "acp"):
        yield _fail("WRK-ACP-19", event, why)


def _late_updates(history: History, *, cancelled: bool) -> Iterator[Event]:
    """Updates of a turn for a session that has no open turn, and whose last one was cancelled or not."""
    open_turns: dict[str, int] = {}
    last: dict[str, bool] = {}
    for said in conversation(history):
        if said.method == "session/prompt" and said.kind is Kind.REQUEST:
            session = _session(said.message)
            open_turns[session] = open_turns.get(session, 0) + 1
            last[session] = False
        elif said.method == "session/cancel" and open_turns.get(_session(said.message)):
            last[_session(said.message)] = True
        elif said.method == "session/prompt" and said.request:
            open_turns[_session(said.request)] -= 1
        elif said.method == "session/load" and said.kind is Kind.REQUEST:
            last.pop(_session(said.message), None)  # the conversation is about to be replayed
        elif said.method == "session/update" and said.by_target:
            session = _session(said.message)
            update = params_of(said.message).get("update")
            kind = update.get("sessionUpdate") if isinstance(update, dict) else None
            if open_turns.get(session) == 0 and last.get(session) is cancelled and kind in _OF_A_TURN:
                yield said.event


def _session(message: dict[str, object]) -> str:
    return str(params_of(message).get("sessionId"))


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
