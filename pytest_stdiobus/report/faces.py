"""The files a report is written to; the suffix says which face it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.report import model
from pytest_stdiobus.report.html import page
from pytest_stdiobus.report.junit import junit
from pytest_stdiobus.report.markdown import markdown
from pytest_stdiobus.report.matrix_json import as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pytest_stdiobus.report.model import Report

    Face = Callable[[Sequence[Report], Path], None]


def _json(reports: Sequence[Report], file: Path) -> None:
    model.write(reports[0], file)


def _xml(reports: Sequence[Report], file: Path) -> None:
    file.write_text(junit(reports[0]), encoding="utf-8")


def _markdown(reports: Sequence[Report], file: Path) -> None:
    file.write_text(markdown(reports), encoding="utf-8")


def _html(reports: Sequence[Report], file: Path) -> None:
    file.write_text(page(reports), encoding="utf-8")


def _matrix(reports: Sequence[Report], file: Path) -> None:
    file.write_text(json.dumps(as_json(reports), indent=1) + "\n", encoding="utf-8")


_READ: dict[str, Face] = {".md": _markdown, ".html": _html}
FACES: dict[str, Face] = {".json": _json, **_READ, ".xml": _xml}
SEVERAL: dict[str, Face] = {".json": _matrix, **_READ}


def write(reports: Sequence[Report], files: Iterable[Path], *, several: bool = False) -> list[str]:
    """Write a report, or several side by side, to files; which of them cannot be written, in a sentence each."""
    told = []
    for file in files:
        try:
            face(file, several=several)(reports, file)
        except OSError as error:
            told.append(f"--report {file}: cannot be written: {error.strerror}")
    return told


def face(file: Path, *, several: bool = False) -> Face:
    """What writes a report, or several side by side, to such a file.

    Raises:
        KitError: the suffix is of no such face, or the folder does not exist.
    """
    known = SEVERAL if several else FACES
    if file.suffix not in known:
        message = f"--report {file}: expected a file ending in {', '.join(known)}"
        raise KitError(message)
    if not file.absolute().parent.is_dir():
        message = f"--report {file}: there is no folder {file.absolute().parent}; make it first"
        raise KitError(message)
    return known[file.suffix]
