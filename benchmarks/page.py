"""The tables of benchmarks/README.md, each between two marks."""

# ruff: noqa: INP001 (a program beside its modules, no package)
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = Path(__file__).resolve().parent / "README.md"
UNITS = {
    "messages_s": ("k msg/s", 1e-3),
    "requests_s": ("k req/s", 1e-3),
    "chunks_s": ("k chunks/s", 1e-3),
    "mb_s": ("MB/s", 1.0),
    "p50_us": ("us p50", 1.0),
    "p99_us": ("us p99", 1.0),
    "start_ms": ("ms", 1.0),
    "stop_ms": ("ms", 1.0),
    "added_ms": ("ms CPU", 1.0),
    "cpu_us": ("us CPU", 1.0),
    "rss_kb": ("MB", 1e-3),
    "bytes_each": ("kB", 1e-3),
    "answered": ("answered", 1.0),
    "mib": ("MiB", 1.0),
    "chunks": ("chunks", 1.0),
}
_CPU = "cpu_us"
FIGURES = 100  # from here on a number needs no decimals


def where_and_how(results: dict[str, Any]) -> str:
    """Say what was measured where, and how to do it again."""
    machine, rounds = results["machine"], results["rounds"]
    how = f"medians of {rounds} rounds (least-greatest); a ratio is the median of the rounds' own ratios"
    where = f"{machine['cores']} cores of {machine['processor']}, {machine['system']}, {machine['compiler']}"
    return f"{where}; {how}. To repeat: `{results['command']}`."


def table(rows: list[dict[str, Any]], subjects: Sequence[str], last: str) -> list[str]:
    """A line for each row: the numbers of every subject, then its bars, or its ratios where it has none."""
    lines = [f"| work | {' | '.join(subjects)} | {last} |", "|---" * (len(subjects) + 2) + "|"]
    for row in rows:
        cells = (_cell(row, subject) for subject in subjects)
        judged = "<br>".join([*(_bar(row, bar) for bar in row["bars"]), *_ratios(row, subjects)])
        lines.append(f"| {row['title']} | {' | '.join(cells)} | {judged} |")
    return lines


def number(value: float) -> str:
    """A number with no more decimals than it deserves."""
    return f"{value:.0f}" if value >= FIGURES else f"{value:.3g}"


def write(begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _shown(row: dict[str, Any]) -> list[str]:
    """Choose what the row's numbers are about: the metrics of its bars and the CPU time, else its speed."""
    wanted = [bar["metric"] for bar in row["bars"]]
    if wanted and any(_CPU in found for found in row["subjects"].values()):
        wanted.append(_CPU)
    return list(dict.fromkeys(metric for metric in wanted if metric in UNITS)) or ["messages_s"]


def _cell(row: dict[str, Any], subject: str) -> str:
    found = row["subjects"].get(subject)
    if found is None:
        return ""
    text = "<br>".join(_value(found[metric], *UNITS[metric]) for metric in _shown(row))
    lost = found.get("lost", {"median": 0})["median"]
    return f"{text}, {lost:.0f} lost" if lost else text


def _value(value: dict[str, float], unit: str, scale: float) -> str:
    if value["max"] == 0:
        return "none"
    least, median, most = (number(value[key] * scale) for key in ("min", "median", "max"))
    return f"{median} {unit}" + (f" ({least}-{most})" if least != most else "")


def _bar(row: dict[str, Any], bar: dict[str, Any]) -> str:
    if bar["value"] is None:
        return f"{bar['text']}: {bar['note']}"
    ratio = row["ratios"].get(f"{bar['metric']}/{bar['against']}")
    span = f" ({ratio['min']:.3g}-{ratio['max']:.3g})" if ratio else ""
    value = f"{bar['value']:.3g}" if ratio else number(bar["value"])
    return f"{bar['text']}: {value}{span} {'✓' if bar['met'] else '**missed**'}"


def _ratios(row: dict[str, Any], subjects: Sequence[str]) -> Iterator[str]:
    """What no bar speaks of."""
    judged = {bar["metric"] for bar in row["bars"]}
    for metric in _shown(row):
        for name in subjects:
            if metric not in judged and (ratio := row["ratios"].get(f"{metric}/{name}")):
                yield f"{metric}: {ratio['median']:.3g} ({ratio['min']:.3g}-{ratio['max']:.3g}) x {name}"
