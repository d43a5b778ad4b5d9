"""A kernel on its first day: one client, one worker, and every line is handed on."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import IO

with open(sys.argv[sys.argv.index("--config") + 1], encoding="utf-8") as file:
    pool = json.load(file)["pools"][0]
command = [pool["command"], *pool.get("args", [])]
with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
    assert worker.stdin
    assert worker.stdout

    def hand_on(lines: Iterable[bytes], to: IO[bytes]) -> None:
        for line in lines:
            to.write(line)
            to.flush()

    threading.Thread(target=hand_on, args=(worker.stdout, sys.stdout.buffer)).start()
    hand_on(sys.stdin.buffer, worker.stdin)
    worker.stdin.close()
