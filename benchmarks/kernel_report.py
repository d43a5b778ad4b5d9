"""The results of the kernel benchmark as a table in benchmarks/README.md."""

# ruff: noqa: INP001 (a program beside its modules, no package)
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = "<!-- kernel results: written by kernel.py -->"
END = "<!-- end of kernel results -->"
UNITS = {
    "messages_s": ("k msg/s", 1e-3),
    "mb_s": ("MB/s", 1.0),
    "p50_us": ("us p50", 1.0),
    "start_ms": ("ms", 1.0),
    "rss_kb": ("MB", 1e-3),
}
FIGURES = 100  # from here on a number needs no decimals


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= FIGURES else f"{value:.3g}"


def _metric(row: dict[str, Any]) -> str:
    """Choose what the row's numbers are about: the metric of its last ratio bar, else its speed."""
    wanted = [bar["metric"] for bar in row["bars"] if bar["metric"] in UNITS]
    return wanted[-1] if wanted else "messages_s"


def _cell(row: dict[str, Any], subject: str) -> str:
    found = row["subjects"].get(subject)
    if found is None:
        return ""
    metric = _metric(row)
    unit, scale = UNITS[metric]
    value = found[metric]
    text = (
        f"{_number(value['median'] * scale)} {unit} ({_number(value['min'] * scale)}-{_number(value['max'] * scale)})"
    )
    lost = found.get("lost", {"median": 0})["median"]
    return f"{text}, {lost:.0f} lost" if lost else text


def _bar(row: dict[str, Any], bar: dict[str, Any]) -> str:
    if bar["value"] is None:
        return f"{bar['text']}: {bar['note']}"
    ratio = row["ratios"].get(f"{bar['metric']}/{bar['against']}")
    span = f" ({ratio['min']:.2f}-{ratio['max']:.2f})" if ratio else ""
    value = f"{bar['value']:.2f}" if ratio else _number(bar["value"])
    return f"{bar['text']}: {value}{span} {'✓' if bar['met'] else '**missed**'}"


def _ratios(row: dict[str, Any]) -> str:
    metric = _metric(row)
    found = ((name, row["ratios"].get(f"{metric}/{name}")) for name in ("published", "relay"))
    return "<br>".join(
        f"{ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f}) x {name}" for name, ratio in found if ratio
    )


def _table(rows: list[dict[str, Any]], last: str) -> list[str]:
    lines = [f"| work | published | ours | relay | {last} |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (_cell(row, subject) for subject in ("published", "ours", "relay"))
        judged = "<br>".join(_bar(row, bar) for bar in row["bars"]) or _ratios(row)
        lines.append(f"| {row['title']} | {' | '.join(cells)} | {judged} |")
    return lines


def _instructions(result: dict[str, Any]) -> list[str]:
    lines = ["| instructions per message | least | most | ratio | bar |", "|---|---|---|---|---|"]
    for name, series in result.items():
        met = "" if series["met"] is None else "✓" if series["met"] else "**missed**"
        bar = "" if series["most"] is None else f"≤ {series['most']}"
        values = series["per_message"].values()
        lines.append(f"| {name} | {min(values):.0f} | {max(values):.0f} | {series['ratio']:.3f} | {bar} {met} |")
    return lines


def render(results: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    machine = results["machine"]
    rows = list(results.get("rows", {}).values())
    rounds = results["rounds"]
    how = f"medians of {rounds} rounds (least-greatest); a ratio is the median of the rounds' own ratios"
    where = f"{machine['cores']} cores of {machine['processor']}, {machine['system']}, {machine['compiler']}"
    lines = [
        f"{where}; {how}. To repeat: `{results['command']}`.",
        "",
        *_table([row for row in rows if row["bars"]], "bar: ours"),
    ]
    others = [row for row in rows if not row["bars"]]
    if others:
        lines += ["", "The same work with other workers, without a bar:", "", *_table(others, "ours")]
    if "instructions" in results:
        lines += ["", *_instructions(results["instructions"])]
    return "\n".join(lines)


def write_into(page: Path, results: dict[str, Any]) -> None:
    """Replace what stands between the two marks of the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{render(results)}\n{END}{after}", encoding="utf-8")
