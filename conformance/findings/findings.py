"""Write docs/findings from reports: ``python conformance/findings/findings.py [--judge] [PAGE ...]``.

A page is a file in ``pages`` beside this one: what is judged, by which command, and a word by hand to every failure. With
``--judge`` its targets are judged first. A failure without a word leaves its page unwritten.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from findings_page import bound, command, installed, page, report_file, unexplained

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(words: list[str] | None = None) -> int:
    """Write the pages; 1 where a failure has no word."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--judge", action="store_true", help="judge the targets first")
    parser.add_argument(
        "pages", nargs="*", metavar="PAGE", default=sorted(file.stem for file in (HERE / "pages").iterdir())
    )
    asked = parser.parse_args(words)
    return max([write(name, judge=asked.judge) for name in asked.pages], default=0)


def write(name: str, *, judge: bool) -> int:
    """Write one page."""
    told: dict[str, Any] = json.loads((HERE / "pages" / f"{name}.json").read_text(encoding="utf-8"))
    reports = dict(reported(name, told, judge=judge))
    missing = [*unexplained(told, reports)]
    if missing:
        print(f"pages/{name}.json says nothing of:", *missing, sep="\n")  # noqa: T201 - a command's answer
        return 1
    versions = {target: installed(told["targets"][target], ROOT) for target in reports}
    (ROOT / "docs" / "findings" / f"{name}.md").write_text(page(name, told, reports, versions), encoding="utf-8")
    return 0


def reported(name: str, told: dict[str, Any], *, judge: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """The report of each target."""
    for target in told["targets"]:
        words = command(name, told, target)
        report = ROOT / report_file(name, target)
        if judge:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.unlink(missing_ok=True)
            subprocess.run(words, cwd=ROOT, check=False)  # noqa: S603 - our own program
        yield target, bound(told["targets"][target], json.loads(report.read_text(encoding="utf-8")))


if __name__ == "__main__":
    raise SystemExit(main())
