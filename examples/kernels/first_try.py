"""A kernel on its first day: one client, one worker, and every line is handed on."""

import json
import subprocess
import sys
import threading

with open(sys.argv[sys.argv.index("--config") + 1], encoding="utf-8") as file:
    pool = json.load(file)["pools"][0]
command = [pool["command"], *pool.get("args", [])]
with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:

    def hand_back() -> None:
        for line in worker.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    threading.Thread(target=hand_back).start()
    for line in sys.stdin.buffer:
        worker.stdin.write(line)
        worker.stdin.flush()
    worker.stdin.close()
