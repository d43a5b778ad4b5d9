# SPDX-License-Identifier: Apache-2.0
"""Many messages of all sizes while workers are killed at random.

Every request is answered exactly once, by its own worker or by an error, and nobody receives what was meant for another.
STDIOBUS_SOAK_MESSAGES sets the length; the full run is 1000000.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from .harness import Message, Rig, kernel_error, procfs
from .harness.peer import StreamPeer
from .harness.world import TIME_SCALE

COUNT = int(os.environ.get("STDIOBUS_SOAK_MESSAGES", "20000"))
SEED = 20260
INSTANCES = 16
CLIENTS = 4
WINDOW = 64
#: The full run kills one worker for every 20,000 answers on average.
ANSWERS_PER_KILL = max(400, COUNT // 50)
# Mostly small, now and then above the 64 KiB of a pipe.
SIZES = (0, 10, 100, 1_000, 10_000, 70_000, 300_000)
WEIGHTS = (20, 40, 40, 15, 5, 1, 0.3)
#: A session is used for so many requests of its client before a new one takes its place.
SESSION_LIFE = 500


class Caller:
    """One client: what it has asked and not yet been answered. All clients use the same ids."""

    def __init__(self, peer: StreamPeer, seed: int) -> None:
        self.peer = peer
        self.open: dict[int, Message] = {}
        self.asked = self.answered = self.failed = 0
        #: The worker each session was last answered by.
        self.homes: dict[str, int] = {}
        self._random = random.Random(seed)  # noqa: S311
        self._filler = "é" + "x" * max(SIZES)
        peer.absorbs = True

    def ask(self) -> None:
        """Send one more request."""
        size = self._random.choices(SIZES, WEIGHTS)[0]
        params = {"by": self.peer.name, "n": self.asked, "fill": self._filler[:size]}
        message: Message = {"id": self.asked, "method": "echo", "params": params}
        if self._random.random() < 0.8:
            message["sessionId"] = f"{self.peer.name}/{self._random.randrange(8)}/{self.asked // SESSION_LIFE}"
        self.open[self.asked] = message
        self.asked += 1
        self.peer.queue(message)

    def take(self, killed: set[int]) -> int:
        """Judge what has arrived and return how many requests that settled."""
        count = 0
        while self.peer.lines:
            answer = json.loads(self.peer.lines.popleft())
            message = self.open.pop(answer.get("id"), None)
            assert message is not None, f"{self.peer.name} got what it had not asked or had been answered: {answer}"
            self._judge(message, answer, killed)
            count += 1
        self.answered += count
        return count

    def _judge(self, message: Message, answer: dict[str, Any], killed: set[int]) -> None:
        session = message.get("sessionId")
        if "error" in answer:
            # A worker killed in the middle of a long answer leaves a line that is no message.
            reasons = ("worker_exited", "invalid_response")
            assert answer in [kernel_error(message["id"], reason, session=session) for reason in reasons]
            self.failed += 1
            return
        assert answer.get("sessionId") == session
        assert answer["result"]["echo"] == message["params"]
        if session is not None:
            pid = answer["result"]["pid"]
            home = self.homes.get(session, pid)
            assert home == pid or home in killed, f"{session} moved from {home} to {pid} though {home} was not killed"
            self.homes[session] = pid


@pytest.mark.req("KRN-ERR-01", "KRN-ERR-03", "KRN-COR-02", "KRN-TRN-03", "KRN-WRK-03")
@pytest.mark.slow
@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_every_request_is_answered_once_and_none_is_misdelivered_while_workers_die(rig: Rig, transport: str) -> None:
    worker = Path(__file__).with_name("echo_worker.py")
    command = {"command": os.path.realpath(sys.executable), "args": ["-I", "-S", str(worker)]}
    pools = [{"id": "echo", **command, "instances": INSTANCES}]
    bus = rig.launch({"pools": pools, "limits": {"max_restarts": 1_000_000}}, transport=transport)
    callers = [Caller(bus.client(f"c{n}"), SEED + n) for n in range(CLIENTS)]
    dice = random.Random(SEED)  # noqa: S311
    share = COUNT // CLIENTS
    settled = 0
    killed: set[int] = set()
    due = ANSWERS_PER_KILL

    def progress() -> bool:
        nonlocal settled, due
        before = settled
        for caller in callers:
            settled += caller.take(killed)
            while caller.asked < share and len(caller.open) < WINDOW:
                caller.ask()
        if settled >= due:
            due += dice.randrange(1, 2 * ANSWERS_PER_KILL)
            killed.update(kill_one(bus.pid, dice))
        return settled > before or settled == share * CLIENTS

    while settled < share * CLIENTS:
        rig.world.until_true(progress, f"an answer after {settled} of {share * CLIENTS}", 70)
    assert all(not caller.open for caller in callers)
    assert len(killed) > COUNT // ANSWERS_PER_KILL // 4
    failed = sum(caller.failed for caller in callers)
    assert failed <= len(killed) * CLIENTS * WINDOW
    assert settled - failed > settled // 2 or TIME_SCALE > 1


def kill_one(kernel: int, dice: random.Random) -> set[int]:
    """Kill one worker of the kernel, chosen at random; returns the pid, or nothing where none could be."""
    alive = [pid for pid in procfs.children(kernel) if procfs.is_running(pid)]
    if not alive:
        return set()
    # The kernel reaps its children, so the number could be another's by now: a pidfd tells.
    pid = dice.choice(alive)
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return set()
    try:
        if pid not in procfs.children(kernel):
            return set()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return set()
    finally:
        os.close(pidfd)
    return {pid}
