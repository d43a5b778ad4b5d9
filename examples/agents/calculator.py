"""A worker in a few lines: it adds, refuses to divide by zero, and dies when told to."""

import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": request["id"], "sessionId": request["sessionId"]}
    if request["method"] == "add":
        answer["result"] = sum(request["params"])
    elif request["method"] == "die":
        sys.exit("I was told to")
    else:
        answer["error"] = {"code": -32601, "message": f"unknown method {request['method']}"}
    print(json.dumps(answer), flush=True)
