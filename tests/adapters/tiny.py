"""A tiny adapter without an SDK, sound but for one lie: ``python tiny.py [LIE]``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

LIE = sys.argv[1] if len(sys.argv) > 1 else ""
CAPABILITIES = ["request", "state"]
ABOUT = {"name": "tiny", "version": "1", "language": "python", "backends": ["native"], "capabilities": CAPABILITIES}


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def answer(name: str) -> None:
    if name == "describe":
        about = {**ABOUT, **({"capabilities": [*CAPABILITIES, "notify"]} if LIE == "boasts" else {})}
        if LIE == "nameless":
            del about["name"]
        say(answer=name, **about)
        if LIE == "repeats":
            say(answer=name, **about)
    elif name in {"open", "close"}:
        if LIE != "never closes":
            say(answer=name)
    elif LIE == "knows everything":
        say(answer=name)
    else:
        say(answer=name, unsupported=True)


def call(name: str, op: str) -> None:
    if op == "request":
        if LIE == "makes up results":
            say(call=name, event="result", value={})
        else:
            say(call=name, event="error", error={"name": "INVALID_STATE"})
    elif op == "state":
        say(call=name, event="result", value="CREATED")
        if LIE == "goes on":
            say(call=name, event="result", value="CREATED")
    elif LIE == "can everything" or (LIE == "hides" and op == "stats"):
        say(call=name, event="result", value=None)
    elif LIE == "forgets ids":
        say(call="c0", event="unsupported")
    else:
        say(call=name, event="unsupported")


def main() -> int:
    if LIE == "chatters":
        print("ready")
    if LIE == "dies":
        print("no module named sdk", file=sys.stderr)
        return 1
    if LIE == "leaves a child":
        subprocess.Popen(
            ["sleep", "600"], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    for line in sys.stdin:
        command = json.loads(line)
        if LIE == "is silent":
            continue
        if command["command"] == "exit" and LIE != "stays":
            return 3 if LIE == "fails at the end" else 0
        if command["command"] == "call":
            call(command["id"], command["op"])
        else:
            answer(command["command"])
    if LIE == "outlives its input":
        time.sleep(600)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
