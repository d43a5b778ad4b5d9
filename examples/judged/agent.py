"""A worker with a mistake: it answers with the id as a text."""

import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"jsonrpc": "2.0", "id": str(request["id"]), "result": {}}), flush=True)
