"""What every test may use."""

from __future__ import annotations

import sys
import textwrap

import pytest

from pytest_stdiobus.bus import PoolConfig

pytest_plugins = ["pytester"]


class WorkerPool:
    """Makes pools whose worker is a few lines of Python: `lines` yields messages, `send` writes one."""

    PRELUDE = textwrap.dedent("""
        import json, sys, os

        def send(message):
            sys.stdout.write(json.dumps(message) + "\\n")
            sys.stdout.flush()

        def answer(request, result):
            send({"jsonrpc": "2.0", "id": request["id"], "sessionId": request["sessionId"], "result": result})

        def chunk(session, text):
            update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
            send({"jsonrpc": "2.0", "method": "session/update", "sessionId": session, "params": {"update": update}})

        lines = (json.loads(line) for line in iter(sys.stdin.readline, ""))
    """)

    def __call__(self, code: str, pool_id: str = "w", instances: int = 1) -> PoolConfig:
        program = self.PRELUDE + textwrap.dedent(code)
        return PoolConfig(id=pool_id, command=sys.executable, args=["-c", program], instances=instances)


@pytest.fixture
def worker() -> WorkerPool:
    """``worker(code)``: a pool that runs this code."""
    return WorkerPool()
