"""The worker of this suite: each method is one thing that a worker may do."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Message = dict[str, Any]

SILENCE = object()
notified: list[Message] = []
answers: list[Message] = []
held: list[Message] = []


def send(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def answer(request: Message, **outcome: Any) -> None:
    send(id=request["id"], sessionId=request["sessionId"], **outcome)


def say(request: Message) -> Any:
    for text in request["params"]["chunks"]:
        update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
        send(method="session/update", sessionId=request["sessionId"], params={"update": update})
    return request["params"]["result"]


def note(request: Message) -> Any:
    for number in range(request["params"]["count"]):
        send(method="note", sessionId=request["sessionId"], params={"number": number})
    return {}


def ask(request: Message) -> Any:
    send(id="of the worker", method="question", sessionId=request["sessionId"], params={})
    return {}


def hold(request: Message) -> Any:
    held.append(request)
    return SILENCE


def die(_: Message) -> Any:
    sys.exit(3)


def echo(request: Message) -> Any:
    return {"echo": request.get("params")}


def fail(request: Message) -> Any:
    answer(request, error=request["params"])
    return SILENCE


def hello(request: Message) -> Any:
    if "hello" not in sys.argv:
        answer(request, error={"code": -32601, "message": "no such method"})
        return SILENCE
    extensions = {"identity": {"version": "1.0", "active": True}}
    return {"negotiatedProtocolVersion": "0.1.0", "sessionId": "agent-1", "extensions": extensions}


METHODS: dict[str, Callable[[Message], Any]] = {
    "answers": lambda _: {"wire": answers},
    "ask": ask,
    "die": die,
    "fail": fail,
    "hold": hold,  # answered after the next request
    "note": note,
    "notified": lambda _: {"wire": notified},
    "say": say,
    "stay silent": lambda _: SILENCE,
    "stdio_bus/hello": hello,
    "swell": lambda request: {"text": "x" * request["params"]["bytes"]},
    "wire": lambda request: {"wire": request},
}


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "method" not in message:
            answers.append(message)
            continue
        if "id" not in message:
            notified.append(message)
            continue
        before = list(held)
        result = METHODS.get(message["method"], echo)(message)
        if result is not SILENCE:
            answer(message, result=result)
        for request in before:
            answer(request, result={"held": request.get("params")})
            held.remove(request)


if __name__ == "__main__":
    main()
