"""A binding that was built for the published library works over ours (KRN-EMB: names, constants, layouts)."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = os.environ.get("STDIOBUS_PUBLISHED", "")
LIBRARY = ROOT / "build" / "kernel" / "libkernel.a"
WORKER = ROOT / "workers" / "echo.py"

pytestmark = pytest.mark.skipif(
    not PUBLISHED or not LIBRARY.exists(),
    reason="needs the unpacked source distribution of the published client: make published",
)

SUITE = """
import asyncio, json, sys
from stdiobus import AsyncStdioBus, BusConfig, PoolConfig

async def main():
    pool = PoolConfig(id="echo", command=sys.executable, args=[sys.argv[1]], instances=2)
    bus = AsyncStdioBus(config=BusConfig(pools=[pool]), backend="native")
    await bus.start()
    answers = await asyncio.gather(*[bus.request("echo", {"n": n}) for n in range(100)])
    streamed = await bus.request("stream", {"prompt": "one two"})
    stats = bus.get_stats()
    workers = bus.get_worker_count()
    await bus.stop()
    bus.destroy()
    print(json.dumps([[a["echo"]["n"] for a in answers], streamed["text"], stats.messages_in, workers]))

asyncio.run(main())
"""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The published client, its extension linked with our library."""
    shutil.copytree(Path(PUBLISHED) / "stdiobus", tmp_path / "stdiobus")
    system = {"Linux": "unknown-linux-gnu", "Darwin": "apple-darwin"}[platform.system()]
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    place = tmp_path / "kernel" / "prebuilds" / f"{machine}-{system}"
    place.mkdir(parents=True)
    shutil.copy(LIBRARY, place / "libstdio_bus.a")
    build = [sys.executable, "-m", "stdiobus.native.build_ffi"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert list((tmp_path / "stdiobus" / "native").glob("_ffi*.so")), done.stdout + done.stderr
    return tmp_path


def test_the_published_client_works_over_this_library(published: Path) -> None:
    run = [sys.executable, "-c", SUITE, str(WORKER)]
    done = subprocess.run(run, cwd=published, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    numbers, text, messages_in, workers = json.loads(done.stdout)
    assert numbers == list(range(100))
    assert (text, messages_in, workers) == ("one two", 101, 2)
