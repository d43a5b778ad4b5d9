"""Write docs/findings/parity.md from reports of SDKs: ``python conformance/parity/parity_page.py REPORT.json REPORT.json ...``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.report import model
from pytest_stdiobus.report.matrix import target_name
from pytest_stdiobus.report.parity import conclusion, parity
from pytest_stdiobus.report.words import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.report.model import Report
    from pytest_stdiobus.report.parity import Difference, ParityCase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings" / "parity.md"
SHOWN = 3  # cases of a row
_PLACES = ((re.compile(r"^\$\.gave\.\w+"), "$.gave.*"), (re.compile(r"\[\d+\]"), "[*]"))
_HEAD = """# What SDKs say in the same cases

{targets}

{foreign} They were played on {platform}, {date}, by pytest-stdiobus {kit}. [Parity of SDKs](../how-to/ci.md#parity-of-sdks)
explains what is compared and what makes no difference. No row accuses anybody: what breaks a rule is told by the outcomes of the
requirements. Cases that show a breach of security of somebody else's program are left out.

```sh
stdiobus-conformance sdk --backend scripted --report reference.json -- python conformance/adapters/python/reference.py
python -m venv sdk && sdk/bin/pip install 'stdiobus[native]'
stdiobus-conformance sdk --backend scripted --foreign --report published.json -- sdk/bin/python conformance/adapters/python/stdiobus_2.py
python conformance/parity/parity_page.py reference.json published.json
```

{conclusion}: in {same} of {all} they wrote and gave the same. A row below stands for all differences at such a place in the
exchange whose values are of these types; its values are those of the first case.
"""


def page(reports: Sequence[Report]) -> str:
    """The page of some reports of SDKs."""
    compared = parity(reports)
    names = [target_name(report) for report in reports]
    first = reports[0]
    same = sum(not case.differences for case in compared)
    head = _HEAD.format(
        targets="\n".join(f"- {name}" for name in names),
        foreign=FOREIGN,
        platform=first["platform"],
        date=first["date"][:10],
        kit=first["kit"],
        conclusion=f"{conclusion(compared)[0].upper()}{conclusion(compared)[1:]}",
        same=same,
        all=len(compared),
    )
    table = [f"| where | {' | '.join(names)} | cases |", f"|---|{'---|' * len(names)}---|"]
    table += [_row(place, found) for (place, _), found in _grouped(compared).items()]
    return "\n".join([head, *table]) + "\n"


def _grouped(compared: Sequence[ParityCase]) -> dict[tuple[str, tuple[str, ...]], dict[str, Difference]]:
    """The first difference of each case, by the place it is at and the types of its values."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, Difference]] = {}
    for case in compared:
        for one in case.differences:
            place = one.path
            for pattern, general in _PLACES:
                place = pattern.sub(general, place)
            found.setdefault((place, tuple(map(_type, one.values))), {}).setdefault(case.id, one)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _type(value: str | None) -> str:
    try:
        return type(json.loads(value)).__name__ if value is not None else ""
    except ValueError:  # shortened
        return value[0] if value else ""


def _row(place: str, found: dict[str, Difference]) -> str:
    first = next(iter(found.values()))
    listed = "<br>".join(f"`{case}`" for case in list(found)[:SHOWN])
    more = f"<br>and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"| `{place}` | {' | '.join(map(_code, first.values))} | {listed}{more} |"


def _code(value: str | None) -> str:
    return f"`` {value.replace('|', chr(92) + '|')} ``" if value is not None else "nothing"


if __name__ == "__main__":
    PAGE.write_text(page([model.read(Path(name)) for name in sys.argv[1:]]), encoding="utf-8")
