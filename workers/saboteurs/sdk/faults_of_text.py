"""Faults in what is made of streamed text (SDK-AGG)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from patches import fault, in_place_of

from pytest_stdiobus.bus import StreamEvent, calls, messages
from pytest_stdiobus.bus.backends.lines import LineReader
from pytest_stdiobus.bus.calls import Call, CallTable
from pytest_stdiobus.bus.streaming import StreamBuffer
from pytest_stdiobus.bus.types import StreamEventType

_MOST_BYTES = 65536


@fault
def puts_spaces_between_chunks() -> None:
    """A space is put between two pieces of text."""

    @in_place_of(Call, "resolve")
    def resolve(usual: Any, self: Any, message: Any) -> None:
        self.chunks = [" ".join(self.chunks)] if self.chunks else []
        usual(self, message)


@fault
def keeps_the_text_of_the_worker() -> None:
    """A text that the result has already is not replaced by the streamed one."""

    @in_place_of(Call, "resolve")
    def resolve(usual: Any, self: Any, message: Any) -> None:
        if isinstance(message.get("result"), dict) and "text" in message["result"]:
            self.chunks = []
        usual(self, message)


@fault
def makes_objects_of_results() -> None:
    """A result that is no object becomes one, to hold the text."""

    @in_place_of(Call, "resolve")
    def resolve(usual: Any, self: Any, message: Any) -> None:
        if self.chunks and "result" in message and not isinstance(message["result"], dict):
            message = {**message, "result": {"value": message["result"]}}
        usual(self, message)


@fault
def takes_thoughts_for_text() -> None:
    """What an agent thinks is taken for what it says."""

    @in_place_of(messages, "chunk_text")
    def chunk_text(usual: Any, message: Any) -> Any:
        params = message.get("params")
        update = params.get("update") if isinstance(params, dict) else None
        if isinstance(update, dict) and update.get("sessionUpdate") == "agent_thought_chunk":
            message = {**message, "params": {"update": {**update, "sessionUpdate": "agent_message_chunk"}}}
        return usual(message)


@fault
def holds_chunks_back() -> None:
    """The chunks of a stream come with its result."""
    held: defaultdict[int, list[str]] = defaultdict(list)

    @in_place_of(StreamBuffer, "chunk")
    def chunk(_usual: Any, self: Any, text: str) -> None:
        held[id(self)].append(text)

    @in_place_of(StreamBuffer, "end")
    def end(usual: Any, self: Any, *error: Any) -> None:
        before = held.pop(id(self), [])
        for text in reversed(before):
            self.items.appendleft(StreamEvent(StreamEventType.CHUNK, text))
        usual(self, *error)


@fault
def gives_an_empty_chunk() -> None:
    """A stream to which nothing was said gives a chunk without text before its result."""

    @in_place_of(StreamBuffer, "set_result")
    def set_result(usual: Any, self: Any, result: Any) -> None:
        if not self.items:
            self.chunk("")
        usual(self, result)


@fault
def ends_streams_without_their_text() -> None:
    """The result of a stream has no text, because all of it was given before."""

    @in_place_of(Call, "resolve")
    def resolve(usual: Any, self: Any, message: Any) -> None:
        if self.on_chunk is not None:
            self.chunks = []
        usual(self, message)


@fault
def forgets_chunks_where_a_stream_fails() -> None:
    """A stream that fails throws away what has not been taken."""

    @in_place_of(StreamBuffer, "set_exception")
    def set_exception(usual: Any, self: Any, error: Any) -> None:
        self.items.clear()
        usual(self, error)


@fault
def gives_text_to_the_newest() -> None:
    """Text goes to the latest request of its session."""

    @in_place_of(CallTable, "add_chunk")
    def add_chunk(usual: Any, self: Any, message: Any, text: str) -> None:
        for session in messages.sessions_of(message):
            if session in self._sessions:
                next(reversed(self._sessions[session].values())).add_text(text)
                return
        usual(self, message, text)


@fault
def gives_text_to_everyone() -> None:
    """Text goes to every request, of whatever session."""

    @in_place_of(CallTable, "add_chunk")
    def add_chunk(_usual: Any, self: Any, _message: Any, text: str) -> None:
        for call in self._calls.values():
            call.add_text(text)


@fault
def gives_late_text_to_the_next() -> None:
    """Text of a session on which nothing waits is kept for its next request."""
    kept: defaultdict[str, list[str]] = defaultdict(list)

    @in_place_of(CallTable, "add_chunk")
    def add_chunk(usual: Any, self: Any, message: Any, text: str) -> None:
        session = next(filter(None, messages.sessions_of(message)), "")
        if session not in self._sessions:
            kept[session].append(text)
        usual(self, message, text)

    @in_place_of(CallTable, "open")
    def begin(usual: Any, self: Any, message: Any, *more: Any) -> Any:
        call = usual(self, message, *more)
        for text in kept.pop(message["sessionId"], []):
            call.add_text(text)
        return call


@fault
def forgets_what_was_given_up() -> None:
    """A request that nobody waits for makes room for the text of the next one."""

    @in_place_of(CallTable, "abandon")
    def abandon(_usual: Any, self: Any, message_id: str) -> None:
        self._remove(message_id)


@fault
def sees_no_session_in_parameters() -> None:
    """A session that stands in the parameters counts for nothing."""

    @in_place_of(calls, "sessions_of")
    def sessions_of(usual: Any, message: Any) -> Any:
        return usual(message)[0], None


@fault
def cuts_chunks() -> None:
    """Text ends after so many characters as there are bytes in a pipe."""

    @in_place_of(messages, "chunk_text")
    def chunk_text(usual: Any, message: Any) -> Any:
        text = usual(message)
        return text and text[:_MOST_BYTES]


@fault
def loses_one_chunk_in_a_thousand() -> None:
    """One of a thousand chunks is lost."""
    count = iter(range(1, 10**9))

    @in_place_of(CallTable, "add_chunk")
    def add_chunk(usual: Any, self: Any, message: Any, text: str) -> None:
        if next(count) % 1000:
            usual(self, message, text)


@fault
def decodes_pieces() -> None:
    """Bytes become text as they are read, wherever they were cut."""

    @in_place_of(LineReader, "feed")
    def feed(usual: Any, self: Any, data: bytes) -> Any:
        return usual(self, data.decode(errors="replace").encode())


@fault
def keeps_a_hundred_chunks() -> None:
    """A stream that nobody takes from keeps no more than a hundred chunks."""

    @in_place_of(StreamBuffer, "chunk")
    def chunk(usual: Any, self: Any, text: str) -> None:
        if len(self.items) < 100:
            usual(self, text)
