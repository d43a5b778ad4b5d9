"""A worker with a memory: it numbers the requests of each session, and says which process it is."""

import json
import os
import sys
from collections import Counter

numbers: Counter[str] = Counter()

for line in sys.stdin:
    request = json.loads(line)
    numbers[request["sessionId"]] += 1
    result = {"number": numbers[request["sessionId"]], "process": os.getpid()}
    print(
        json.dumps({"jsonrpc": "2.0", "id": request["id"], "sessionId": request["sessionId"], "result": result}),
        flush=True,
    )
