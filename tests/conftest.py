"""What every test may use."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, DockerOptions, PoolConfig
from pytest_stdiobus.bus.backends.engine import engine_obstacle
from pytest_stdiobus.testing import factory

pytest_plugins = ["pytester"]

MakeBus = Callable[..., Awaitable[AsyncStdioBus]]


@pytest.fixture(autouse=True)
def _quick_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only briefly, at the end of a test, for answers that will never come."""
    monkeypatch.setattr(factory, "STOP_TIMEOUT_SEC", 0.5)


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


IMAGE = "stdiobus-kernel"
ROOT = Path(__file__).resolve().parent.parent
_BUILD_SEC = 300
# An image holds the kernel alone; the tests lend it this machine's Python.
_LENT = ("/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix)


@pytest.fixture(scope="session")
def docker() -> DockerOptions:
    """Options for containers that can run this Python; skips where no engine answers."""
    if (obstacle := engine_obstacle("docker")) is not None:
        pytest.skip(f"docker: {obstacle}")
    if shutil.which("make") is None:
        pytest.skip("docker: make is missing, so that no image can be built")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    with open(Path(tempfile.gettempdir()) / f"stdiobus-image-{os.getuid()}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "image", f"IMAGE={IMAGE}"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=_BUILD_SEC, stdout=subprocess.DEVNULL)
    folders = [path for path in dict.fromkeys(_LENT) if Path(path).is_dir()]
    mounts = [path for path in folders if path == "/usr" or not path.startswith("/usr/")]
    return DockerOptions(image=IMAGE, pull_policy="never", extra_args=[f"--volume={path}:{path}:ro" for path in mounts])
