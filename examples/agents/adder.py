"""A small agent that adds numbers, with a mistake that many make."""

import json
import sys

print("adder 1.0 is ready")
for line in sys.stdin.buffer:
    try:
        message = json.loads(line)
    except ValueError:
        continue
    if not isinstance(message, dict) or "method" not in message or "id" not in message:
        continue
    answer = {key: message[key] for key in ("id", "sessionId") if key in message}
    if message["method"] == "add":
        answer["result"] = sum(message["params"])
    else:
        answer["error"] = {"code": -32601, "message": "only add is known"}
    print(json.dumps({"jsonrpc": "2.0", **answer}), flush=True)
