"""What the kernel benchmark measures, and the bars that its numbers are held against."""

# ruff: noqa: INP001 (a program beside its modules, no package)
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bars import Bar

Subject = Literal["published", "ours", "relay"]


@dataclass(frozen=True)
class Row:
    """One line of work: options of the load generator, its metrics, and the bars."""

    name: str
    title: str
    load: tuple[str, ...]
    metrics: tuple[str, ...]
    bars: tuple[Bar, ...] = ()
    worker: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ("published", "ours", "relay")
    starts: bool = False


def _bar(metric: str, against: Subject | None, *, least: float | None = None, most: float | None = None) -> Bar:
    return Bar(metric, against, least, most)


def _work(size: int, in_flight: int) -> tuple[str, ...]:
    return ("--size", str(size), "--in-flight", str(in_flight))


ANSWERS_ALL = _bar("lost", None, most=0)
SPEED = ("messages_s", "mb_s", "cpu_us", "p50_us", "p99_us", "lost", "refused", "unexpected")
ONE = ("--in-flight", "1", "--count", "1")
PEERS: tuple[Subject, ...] = ("published", "ours")

ROWS = (
    Row(
        "100b-64",
        "100 B, 64 in flight",
        _work(100, 64),
        SPEED,
        (
            _bar("cpu_us", "published", most=0.55),
            _bar("messages_s", "published", least=1.6),
            _bar("messages_s", "relay", least=0.8),
        ),
        worker=("each",),
    ),
    Row(
        "100b-1",
        "100 B, 1 in flight",
        _work(100, 1),
        SPEED,
        (_bar("p50_us", "published", most=1.0), _bar("p50_us", "relay", most=1.1)),
        worker=("each",),
    ),
    Row(
        "10kb-16",
        "10 kB (one ASCII string), 16 in flight",
        (*_work(10_000, 16), "--answer", "ack"),
        SPEED,
        (_bar("mb_s", "published", least=2.6), _bar("mb_s", "relay", least=0.65), ANSWERS_ALL),
        worker=("ack",),
    ),
    Row("scanner", "10 kB dense JSON, scanner alone", (), ("mb_s",), (_bar("mb_s", None, least=800),), subjects=("ours",)),
    Row(
        "1mb-4",
        "1 MB, 4 in flight",
        _work(1_000_000, 4),
        SPEED,
        (ANSWERS_ALL, _bar("mb_s", "relay", least=0.6)),
    ),
    Row(
        "100b-2000",
        "100 B, 2,000 in flight",
        _work(100, 2000),
        SPEED,
        (ANSWERS_ALL, _bar("messages_s", "relay", least=0.6)),
        worker=("each",),
    ),
    Row("start", "start to first response", ONE, ("start_ms",), (_bar("start_ms", "published", most=1.1),), starts=True),
    Row("rss-idle", "RSS idle", ONE, ("rss_kb",), (_bar("rss_kb", "published", most=1.1),), subjects=PEERS),
    Row(
        "rss-1000",
        "RSS with 1,000 clients, each of which has had an answer",
        (*ONE, "--clients", "1000"),
        ("rss_kb", "clients_answered"),
        (_bar("rss_kb", "published", most=1.1),),
        subjects=PEERS,
    ),
    Row("100b-64-batch", "100 B, 64 in flight, the worker answers a whole read in one write", _work(100, 64), SPEED,
        (_bar("messages_s", "published", least=1.6), _bar("messages_s", "relay", least=0.8))),
    Row("100b-2000-batch", "100 B, 2,000 in flight, the worker answers a whole read in one write", _work(100, 2000), SPEED,
        (_bar("messages_s", "relay", least=0.6),)),
    Row("10kb-16-echo", "10 kB, 16 in flight, the answer as long as the request", _work(10_000, 16), SPEED,
        (_bar("mb_s", "relay", least=0.65),)),
    Row("1mb-4-ack", "1 MB, 4 in flight, short answers", (*_work(1_000_000, 4), "--answer", "ack"), SPEED, worker=("ack",)),
)  # fmt: skip
