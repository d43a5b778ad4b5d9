"""What the kit answers when a target asks its client something: as little as lets it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import Step
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_stdiobus.kit.drivers.seat import Seat

    Answer = Callable[[Any], Any]

CLIENT = "client:kit"
_UNKNOWN = {"code": -32601, "message": "this client does not offer it"}


def _refuse(params: Any) -> Any:
    """Permission is refused where it can be, so that a run changes as little as possible."""
    options = params["options"]
    refusing = [option for option in options if str(option["kind"]).startswith("reject")]
    return {"outcome": {"outcome": "selected", "optionId": (refusing or options)[0]["optionId"]}}


_ANSWERS: Mapping[str, Mapping[str, Answer]] = {
    "acp": {"session/request_permission": _refuse},
    "mcp": {"ping": lambda _: {}},
}


class Attendant:
    """The client's side of a conversation in which a target may ask, too."""

    def __init__(self, profile: str, steps: Sequence[Step]) -> None:
        """Answer for a profile, but not the methods that a step names in what it reads: those the case answers itself."""
        self._answers = _ANSWERS.get(profile)
        self._own = {text for step in steps if step.reads for text in _texts(step.value)}
        self._seen = 0
        self._open = True

    def attend(self, seat: Seat, index: int) -> None:
        """Answer what has come since the last time, during the step with this index."""
        if self._answers is None:
            return
        for event in seat.history.events[self._seen :]:
            self._seen += 1
            self._open = self._open and event.kind not in {"closing", "close"}
            message = wire.parsed(event.data) if event.kind == "line" and event.dir == "out" else None
            if message is None or not self._open or wire.kind_of(message) is not Kind.REQUEST:
                continue
            if message["method"] not in self._own:
                answer = {"jsonrpc": "2.0", "id": message["id"], **self._answer(message)}
                seat.act(Step(CLIENT, "send", answer, ""), answer, index)

    def _answer(self, message: Any) -> dict[str, Any]:
        known = (self._answers or {}).get(str(message["method"]))
        if known is None:
            return {"error": _UNKNOWN}
        try:
            return {"result": known(message.get("params"))}
        except (LookupError, TypeError):
            return {"error": {"code": -32602, "message": "the parameters are not those of the method"}}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
