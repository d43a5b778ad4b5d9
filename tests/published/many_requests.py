"""Sends a thousand requests at once: many_requests.py PACKAGE BACKEND KERNEL."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from pathlib import Path

WORKER = Path(__file__).with_name("documented_worker.py")
COUNT = 1_000


async def main(package: str, backend: str, kernel: str) -> None:
    module = importlib.import_module(package)
    bus = module.AsyncStdioBus(
        module.BusConfig([module.PoolConfig("w", sys.executable, [str(WORKER)])]),
        backend=backend,
        subprocess=module.SubprocessOptions(binary_path=kernel),
    )
    await bus.start()
    requests = [bus.request("echo", {"text": "x" * 300}) for _ in range(COUNT)]
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    print("refused" if failures else "answered", flush=True)
    bus.destroy()
    os._exit(0)  # whatever the client still holds


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
