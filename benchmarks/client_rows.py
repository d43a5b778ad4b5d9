"""What the client benchmark measures, and the bars that its numbers are held against."""

# ruff: noqa: INP001 (a program beside its modules, no package)
from __future__ import annotations

from dataclasses import dataclass

from bars import Bar

BOTH = ("published", "ours")
ALL = ("published", "ours", "pipes")
OURS = ("ours",)


@dataclass(frozen=True)
class Row:
    """One line of work: what `client_load.py` does, over which backend, with which worker."""

    name: str
    title: str
    work: str
    metrics: tuple[str, ...]
    bars: tuple[Bar, ...]
    backend: str = "native"
    worker: str = "python"
    subjects: tuple[str, ...] = BOTH
    once: bool = False


def _completes(backend: str) -> tuple[Row, ...]:
    """Work that is done or not, whatever it takes."""
    works = (
        ("many", "10,000 requests in flight", "answered", 10_000, "python"),
        ("large", "a response of 10 MiB", "mib", 9.99, "large"),
        ("chunks", "a stream of 100,000 chunks", "chunks", 100_000, "python"),
    )
    return tuple(
        Row(
            f"{backend}-{work}",
            f"{backend}, {title}",
            work,
            (metric,),
            (Bar(metric, None, least=least),),
            backend=backend,
            worker=worker,
            once=True,
        )
        for work, title, metric, least, worker in works
    )


ROWS = (
    Row(
        "native-1",
        "native, sequential 100 B, Python worker",
        "sequential",
        ("p50_us", "p99_us"),
        (Bar("p50_us", "published", most=0.12), Bar("p50_us", "pipes", most=1.4)),
        subjects=ALL,
    ),
    Row(
        "native-1-c",
        "native, sequential 100 B, C worker",
        "sequential",
        ("p50_us", "p99_us"),
        (Bar("p50_us", "published", most=1.0), Bar("p99_us", "published", most=0.1), Bar("p50_us", "pipes", most=1.4)),
        worker="c",
        subjects=ALL,
    ),
    Row(
        "native-64",
        "native, 64 in flight, Python worker",
        "in_flight",
        ("requests_s", "cpu_us"),
        (Bar("requests_s", "published", least=2.5), Bar("requests_s", "pipes", least=0.65)),
        subjects=ALL,
    ),
    Row(
        "native-64-c",
        "native, 64 in flight, C worker",
        "in_flight",
        ("requests_s", "cpu_us"),
        (Bar("requests_s", "published", least=2.5), Bar("requests_s", "pipes", least=0.65)),
        worker="c",
        subjects=ALL,
    ),
    Row(
        "native-stream",
        "native, chunks of a stream, Python worker",
        "stream",
        ("chunks_s", "cpu_us"),
        (Bar("chunks_s", "published", least=8),),
    ),
    Row(
        "subprocess-1",
        "subprocess, sequential 100 B, Python worker",
        "sequential",
        ("p50_us", "p99_us"),
        (Bar("p50_us", "published", most=0.6),),
        backend="subprocess",
    ),
    Row(
        "subprocess-64",
        "subprocess, 64 in flight, Python worker",
        "in_flight",
        ("requests_s", "cpu_us"),
        (Bar("requests_s", "published", least=8),),
        backend="subprocess",
    ),
    Row(
        "subprocess-life",
        "subprocess, start to first response; `stop(1)`; C worker",
        "life",
        ("start_ms", "stop_ms"),
        (Bar("start_ms", "published", most=0.05), Bar("stop_ms", "published", most=0.02)),
        backend="subprocess",
        worker="c",
    ),
    Row(
        "native-memory",
        "native, memory of a request in flight",
        "memory",
        ("bytes_each",),
        (Bar("bytes_each", None, most=3000),),
        worker="silent",
        subjects=ALL,
    ),
    *_completes("native"),
    *_completes("subprocess"),
    Row(
        "unused",
        "a pytest run without a bus: what the plugin adds",
        "unused",
        ("added_ms",),
        (Bar("added_ms", None, most=10),),
        subjects=OURS,
    ),
)
