"""The lines of an adapter (``schemas/adapter``): whose they are, and what no honest adapter writes.

What is found here is the adapter's fault, whatever its SDK did: it is told as an error of the harness and held against
no requirement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import CALL
from pytest_stdiobus.kit.patience import Room

if TYPE_CHECKING:
    from pytest_stdiobus.kit.history import History

# A case may stream a hundred thousand chunks; what an adapter writes beyond that has no end.
ROOM = Room(64 * 1024 * 1024, 250_000)
_WITH_VALUE = frozenset({"chunk", "result", "notification"})
_LAST = frozenset({"result", "error", "end", "unsupported"})
_EVENTS = _WITH_VALUE | _LAST
_PULLED = frozenset({"stream", "subscribe"})


@dataclass
class AdapterChannel(Channel):
    """The standard streams of an adapter, shared by its answers and all calls."""

    room: Room = ROOM
    _asked: list[str] = field(default_factory=list)
    _failed: bool = False
    _calls: dict[str, bool] = field(default_factory=dict)  # whether it is over
    _silent: set[str] = field(default_factory=set)  # the calls that say nothing unless they are pulled

    def tell(self, command: dict[str, Any]) -> None:
        """Give it a command.

        Raises:
            HarnessError: the case makes a call that it has made before.
        """
        if command["command"] != CALL:
            self._asked.append(command["command"])
        elif command["id"] in self._calls:
            message = f"the case makes the call {command['id']} twice"
            raise HarnessError(message)
        else:
            self._calls[command["id"]] = False
            self._silent |= {command["id"]} if command["op"] in _PULLED else set()
        self.send(wire.encode(command) + b"\n")

    def has_answered(self, command: str) -> bool:
        """Whether no such command waits for its answer."""
        return command not in self._asked

    @property
    def is_at_rest(self) -> bool:
        """Whether all was done, and nothing more will be said."""
        calls = all(over or name in self._silent for name, over in self._calls.items())
        return calls and not (self._asked or self._failed or self.ended or self.wants_write or self._lines.rest())

    def author(self, line: bytes) -> str:
        """The call that an event is of, or the adapter itself where it answers.

        Raises:
            HarnessError: it is neither, or comes too late.
        """
        message = wire.parsed(line)
        if message is None:
            _refuse(line, "is no JSON object")
        if "answer" in message:
            self._check_answer(line, message)
            return self.actor
        self._check_event(line, message)
        return f"{CALL}:{message['call']}"

    def _check_answer(self, line: bytes, message: dict[str, Any]) -> None:
        if message["answer"] not in self._asked:
            _refuse(line, "answers a command that was not given, or was answered before")
        self._asked.remove(message["answer"])
        self._failed = self._failed or "error" in message

    def _check_event(self, line: bytes, message: dict[str, Any]) -> None:
        call, event = message.get("call"), message.get("event")
        if not isinstance(call, str) or event not in _EVENTS:
            _refuse(line, "is neither an answer nor an event of a call")
        if (event in _WITH_VALUE) != ("value" in message) or (event == "error") != ("error" in message):
            _refuse(line, f"is no event {event}: a value or an error is missing or too many")
        if call not in self._calls:
            _refuse(line, "is of a call that nobody made")
        if self._calls[call]:
            _refuse(line, "comes after the end of its call")
        self._calls[call] = event in _LAST

    def _refuse_more(self, history: History) -> None:
        super()._refuse_more(history)
        message = f"the adapter writes on and on: more than {self.room.size} bytes or {self.room.lines} lines"
        raise HarnessError(message)


def _refuse(line: bytes, why: str) -> NoReturn:
    message = f"the adapter wrote {wire.preview(line)}, which {why}"
    raise HarnessError(message)
