"""Measures the client beside the published one and a bare asyncio program, in turn within every round.

python benchmarks/client.py            every row
python benchmarks/client.py --quick    one short round, nothing is written
"""

# ruff: noqa: INP001, S603 (a program beside its modules, no package; it runs programs)
from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import page
from bars import Round, judge
from client_rows import ALL, ROWS, Row
from machine import describe_machine, say
from programs import KERNEL, compile_one, fetch_published

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "client.json"
LOAD = HERE / "client_load.py"
ECHO = HERE.parent / "workers" / "echo.py"
BEGIN = "<!-- client results: written by client.py -->"
END = "<!-- end of client results -->"
RUN_TIMEOUT = 60.0
# Answers every request with a line of ten mebibytes, less what stands around the text.
LARGE_WORKER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"jsonrpc": "2.0", "id": asked["id"], "sessionId": asked.get("sessionId"), "result": "x" * (10 * 1024 * 1024 - 200)}
    print(json.dumps(answer), flush=True)
"""
SILENT_WORKER = "import sys\nwhile sys.stdin.buffer.read1(): pass"


@dataclass(frozen=True)
class Bench:
    """What one run needs to know; `published` is the published kernel, None where client or kernel are missing."""

    workers: dict[str, list[str]]
    published: Path | None
    seconds: float

    def run(self, subject: str, row: Row) -> dict[str, float]:
        """Measure one subject once, in a session of its own that is ended with all that it started."""
        job = {
            "subject": subject,
            "backend": row.backend,
            "work": row.work,
            "worker": self.workers[row.worker],
            "seconds": self.seconds,
            "binary": str(self.published) if subject == "published" else "",
        }
        process = subprocess.Popen(
            [sys.executable, str(LOAD), json.dumps(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=RUN_TIMEOUT)
            found: dict[str, float] = json.loads(printed)
        except (subprocess.TimeoutExpired, ValueError):
            found = dict.fromkeys(row.metrics, 0)  # it did not get through
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        return found


def measure_row(bench: Bench, row: Row, number: int) -> Round:
    """Run every subject of the row in turn; each round another one begins."""
    subjects = [each for each in row.subjects if each != "published" or bench.published is not None]
    first = number % len(subjects)
    results: Round = {}
    for subject in subjects[first:] + subjects[:first]:
        results[subject] = found = bench.run(subject, row)
        shown = ", ".join(f"{metric} {found[metric]:g}" for metric in row.metrics)
        say(f"round {number + 1}: {row.title}: {subject}: {shown}")
    return results


def measure(bench: Bench, rows: Sequence[Row], rounds: int) -> dict[str, Any]:
    """Run all rounds."""
    found: dict[str, list[Round]] = {row.name: [] for row in rows}
    for number in range(rounds):
        for row in rows:
            if number == 0 or not row.once:
                found[row.name].append(measure_row(bench, row, number))
    return {row.name: judge(row, found[row.name]) for row in rows}


def published_kernel() -> Path | None:
    """The published kernel, where the published client is installed too."""
    if importlib.util.find_spec("stdiobus") is None:
        say("the published client is not here: pip install 'pytest-stdiobus[stdiobus]'")
        return None
    return fetch_published()


def render(results: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    return "\n".join([page.where_and_how(results), "", *page.table(list(results["rows"].values()), ALL, "bar: ours")])


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of every run")
    parser.add_argument("--rows", help="names of rows, with commas; nothing is written")
    parser.add_argument("--quick", action="store_true", help="one short round; nothing is written")
    return parser.parse_args(arguments)


def main() -> int:
    """Run the benchmark."""
    options = parse()
    if options.quick:
        options.rounds, options.seconds = 1, 0.2
    chosen = options.rows.split(",") if options.rows else [row.name for row in ROWS]
    with tempfile.TemporaryDirectory(prefix="client-bench-") as name:
        echo = compile_one(Path(name), KERNEL / "bench" / "echo_worker.c")
        workers = {
            "python": [sys.executable, str(ECHO)],
            "c": [str(echo), "each"],
            "large": [sys.executable, "-c", LARGE_WORKER],
            "silent": [sys.executable, "-c", SILENT_WORKER],
        }
        bench = Bench(workers, published_kernel(), options.seconds)
        results = {
            "machine": describe_machine(),
            "command": f"python benchmarks/client.py --rounds {options.rounds} --seconds {options.seconds:g}",
            "rounds": options.rounds,
            "rows": measure(bench, [row for row in ROWS if row.name in chosen], options.rounds),
        }
    if options.quick or options.rows:
        sys.stdout.write(render(results) + "\n")
        return 0
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write(BEGIN, END, render(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
