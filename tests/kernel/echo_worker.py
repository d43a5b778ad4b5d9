# SPDX-License-Identifier: Apache-2.0
"""Answers every request with its own pid and the request's params; started as ``python -I -S echo_worker.py``."""

import json
import os
import sys


def main() -> None:
    """Serve until the end of input."""
    pid = os.getpid()
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "method" not in message or "id" not in message:
            continue
        # First what tells whose answer it is: of a worker killed while it writes only the beginning arrives.
        answer = {key: message[key] for key in ("id", "sessionId") if key in message}
        answer["result"] = {"pid": pid, "echo": message.get("params")}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
