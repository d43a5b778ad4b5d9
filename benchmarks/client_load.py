"""Does one piece of work with one client, and prints what it measured as JSON.

python benchmarks/client_load.py '{"subject": "ours", "backend": "native", "work": "in_flight", "worker": [...], ...}'

The subjects are `published` and `ours`, two clients with the same names, and `pipes`: a bare asyncio program over two
pipes to the same worker, which is as fast as it gets without a bus.
"""

# ruff: noqa: INP001, S603 (a program, no package; it runs programs)
from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MODULES = {"ours": "pytest_stdiobus.bus", "published": "stdiobus"}
PARAMS = {"text": "x" * 89}  # 100 bytes as JSON
WARMUP = 0.2  # of the time that is measured
IN_FLIGHT = 64
MANY = 10_000
WORDS = 100_000
SHORT_STREAM = 5_000
STOP_TIMEOUT_SEC = 1
PATIENCE_MS = 60_000
PERCENT = 100
RUNS = 6


@dataclass
class Job:
    """What is to be measured. `worker` is a command; `binary` the kernel of the subprocess backend."""

    subject: str
    work: str
    worker: list[str]
    seconds: float
    backend: str = "native"
    binary: str = ""


@dataclass
class Pipes(asyncio.SubprocessProtocol):
    """The bare program: a worker, two pipes, and who waits for which id."""

    command: list[str]
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    rest: bytes = b""
    sent: int = 0

    async def start(self) -> None:
        """Start the worker."""
        transport, _ = await asyncio.get_running_loop().subprocess_exec(lambda: self, *self.command, stderr=None)
        self.stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))

    async def request(self, method: str, params: Any) -> Any:
        """Send a request and wait for its result."""
        self.sent += 1
        waiter = self.waiting[self.sent] = asyncio.get_running_loop().create_future()
        message = {"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params}
        self.stdin.write(json.dumps(message).encode() + b"\n")
        return await waiter

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hand out the results of whole lines."""
        del fd
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            self.waiting.pop(message["id"]).set_result(message["result"])


def client(job: Job) -> Any:
    """A client of the job's subject, not started."""
    if job.subject == "pipes":
        return Pipes(job.worker)
    module = importlib.import_module(MODULES[job.subject])
    pool = module.PoolConfig(id="echo", command=job.worker[0], args=job.worker[1:], instances=1)
    options = {"subprocess": module.SubprocessOptions(binary_path=job.binary)} if job.backend == "subprocess" else {}
    config = module.BusConfig(pools=[pool])
    return module.AsyncStdioBus(config=config, backend=job.backend, timeout_ms=PATIENCE_MS, **options)


async def started(job: Job) -> Any:
    """A client whose worker has answered once, so that no measurement waits for its start."""
    bus = client(job)
    await bus.start()
    await bus.request("echo", PARAMS)
    return bus


async def sequential(job: Job) -> dict[str, float]:
    """One request after the other."""
    bus = await started(job)
    trips: list[float] = []
    begin = time.perf_counter()
    while (now := time.perf_counter()) < begin + (1 + WARMUP) * job.seconds:
        await bus.request("echo", PARAMS)
        if now > begin + WARMUP * job.seconds:
            trips.append(time.perf_counter() - now)
    percentiles = statistics.quantiles(trips, n=PERCENT)
    return {"p50_us": statistics.median(trips) * 1e6, "p99_us": percentiles[-1] * 1e6}


async def in_flight(job: Job) -> dict[str, float]:
    """Requests from 64 tasks, each of which waits for its answer before it sends the next."""
    bus = await started(job)
    begin = time.perf_counter()
    first, last = begin + WARMUP * job.seconds, begin + (1 + WARMUP) * job.seconds
    busy, sent, done = time.process_time(), 0, 0

    async def caller() -> None:
        nonlocal done, sent
        while (now := time.perf_counter()) < last:
            sent += 1
            await bus.request("echo", PARAMS)
            done += now >= first

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return {"requests_s": done / (time.perf_counter() - first), "cpu_us": (time.process_time() - busy) * 1e6 / sent}


async def stream(job: Job) -> dict[str, float]:
    """Chunks of streams that follow each other."""
    bus = await started(job)
    await chunks_of(bus, SHORT_STREAM)
    begin, busy, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() < begin + job.seconds:
        count += await chunks_of(bus, SHORT_STREAM)
    took, busy = time.perf_counter() - begin, time.process_time() - busy
    return {"chunks_s": count / took, "cpu_us": busy * 1e6 / count}


async def chunks_of(bus: Any, words: int) -> int:
    """Read one stream to its end."""
    count = 0
    async for event in bus.stream_request("stream", {"prompt": " ".join(["word"] * words)}):
        count += event.text is not None
    return count


async def life(job: Job) -> dict[str, float]:
    """The start up to the first answer, and the end."""
    client(job)  # what is imported with the first
    begin = time.perf_counter()
    bus = await started(job)
    ready = time.perf_counter()
    await bus.stop(STOP_TIMEOUT_SEC)
    return {"start_ms": (ready - begin) * 1e3, "stop_ms": (time.perf_counter() - ready) * 1e3}


async def many(job: Job) -> dict[str, float]:
    """Ten thousand requests at once."""
    bus = await started(job)
    answers = await asyncio.gather(*(bus.request("echo", PARAMS) for _ in range(MANY)), return_exceptions=True)
    return {"answered": sum(isinstance(answer, dict) for answer in answers)}


async def large(job: Job) -> dict[str, float]:
    """A response of ten mebibytes."""
    bus = client(job)
    await bus.start()
    answer = await bus.request("large")
    return {"mib": len(answer) / 1024**2}


async def chunks(job: Job) -> dict[str, float]:
    """A stream of a hundred thousand chunks."""
    bus = await started(job)
    return {"chunks": await chunks_of(bus, WORDS)}


async def memory(job: Job) -> dict[str, float]:
    """What ten thousand requests take that a worker has read and does not answer; a native kernel's part included."""
    bus = client(job)
    await bus.start()
    before = resident()
    tasks = [asyncio.ensure_future(bus.request("echo", PARAMS)) for _ in range(MANY)]
    await asyncio.sleep(job.seconds)
    after = resident()
    del tasks
    return {"bytes_each": (after - before) / MANY}


async def unused(job: Job) -> dict[str, float]:
    """The least CPU time of pytest with the plugin, less the least without; in turn, as load only ever adds to it."""
    await asyncio.sleep(0)
    with tempfile.TemporaryDirectory(prefix="unused-") as folder:
        (Path(folder) / "test_it.py").write_text("def test_it(): pass\n", encoding="utf-8")
        pairs = [[pytest_run(folder, *arguments) for arguments in ([], ["-p", "no:stdiobus"])] for _ in range(RUNS)]
    del job
    with_it, without = (min(times) for times in zip(*pairs, strict=True))
    return {"added_ms": (with_it - without) * 1e3}


def pytest_run(folder: str, *arguments: str) -> float:
    """The CPU seconds of a run; without the plugin of Hypothesis, whose summary imports all of Hypothesis in any run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        *arguments,
    ]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def resident() -> int:
    """The memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


WORKS: dict[str, Callable[[Job], Awaitable[dict[str, float]]]] = {
    work.__name__: work for work in (sequential, in_flight, stream, life, many, large, chunks, memory, unused)
}


async def main(job: Job) -> None:
    """Do it, print the numbers, and end without ending the client: the published one would take seconds."""
    found = await asyncio.wait_for(WORKS[job.work](job), PATIENCE_MS / 1000)
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(Job(**json.loads(sys.argv[1]))))
