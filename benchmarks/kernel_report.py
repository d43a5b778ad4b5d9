"""The results of the kernel benchmark as a table in benchmarks/README.md."""

# ruff: noqa: INP001 (a program beside its modules, no package)
from __future__ import annotations

from typing import Any

import page

BEGIN = "<!-- kernel results: written by kernel.py -->"
END = "<!-- end of kernel results -->"
SUBJECTS = ("published", "ours", "relay")


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
    rows = list(results.get("rows", {}).values())
    lines = [
        page.where_and_how(results),
        "",
        *page.table([row for row in rows if row["bars"]], SUBJECTS, "bar: ours"),
    ]
    others = [row for row in rows if not row["bars"]]
    if others:
        lines += ["", "The same work with other workers, without a bar:", "", *page.table(others, SUBJECTS, "ours")]
    if "instructions" in results:
        lines += ["", *_instructions(results["instructions"])]
    return "\n".join(lines)


def publish(results: dict[str, Any]) -> None:
    """Write them into the page."""
    page.write(BEGIN, END, render(results))
