# SPDX-License-Identifier: Apache-2.0
"""What is behind an SDK while its adapter is tried: as a worker, and in place of a kernel.

Started as ``python -I -S smoke_peer.py LOG [...]``; a kernel's options are not read. It answers the methods ``smoke/...`` and
the handshake at once, and writes every line that it reads or writes into LOG, as ``{"in": LINE}`` or ``{"out": LINE}``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

CHUNKS = ("one", " two", " three")
METHOD_NOT_FOUND = -32601


class Peer:
    """One client's conversation."""

    def __init__(self, log: Any) -> None:
        """Write down what is said into a file."""
        self._log = log
        self._asked: dict[str, Any] = {}  # the request for whose sake something was asked
        self._late: list[dict[str, Any]] = []

    def serve(self) -> None:
        """Answer until the input ends."""
        for line in sys.stdin:
            self._note("in", line.rstrip("\n"))
            message = json.loads(line)
            if "method" in message and "id" in message:
                self._answer(message)
            elif message.get("id") in self._asked:
                self._say(self._asked.pop(message["id"]), result={"answer": message.get("result")})

    def _answer(self, request: dict[str, Any]) -> None:
        method = request["method"]
        if method == "smoke/echo":
            self._say(request, result={"echo": request.get("params")})
            while self._late:
                self._say(self._late.pop(), result="late")
        elif method == "smoke/late":  # is answered after the next echo
            self._late.append(request)
        elif method == "smoke/stream":
            for text in CHUNKS:
                update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
                params = {"sessionId": request.get("sessionId"), "update": update}
                self._notify(request, "session/update", params)
            self._say(request, result={"done": True})
        elif method == "smoke/tell":
            self._notify(request, "smoke/told", {"n": 1})
            self._say(request, result={})
        elif method == "smoke/ask":
            self._asked["question"] = request
            self._write({"id": "question", "method": "smoke/question", **_session(request)})
        elif method == "stdio_bus/hello":
            offered = request["params"]
            self._say(request, result={"negotiatedProtocolVersion": offered["protocolVersion"], "extensions": {}})
        elif method != "smoke/silence":
            self._say(request, error={"code": METHOD_NOT_FOUND, "message": f"unknown method {method}"})

    def _notify(self, request: dict[str, Any], method: str, params: dict[str, Any]) -> None:
        self._write({"method": method, "params": params, **_session(request)})

    def _say(self, request: dict[str, Any], **what: Any) -> None:
        self._write({"id": request["id"], **_session(request), **what})

    def _write(self, message: dict[str, Any]) -> None:
        line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
        self._note("out", line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _note(self, direction: str, line: str) -> None:
        self._log.write(json.dumps({direction: line}) + "\n")
        self._log.flush()


def _session(request: dict[str, Any]) -> dict[str, Any]:
    return {"sessionId": request["sessionId"]} if "sessionId" in request else {}


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    with open(sys.argv[1], "a", encoding="utf-8") as log:
        Peer(log).serve()
