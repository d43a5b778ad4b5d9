"""The files a report is written to; the suffix says which face it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.report import model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.report.model import Report

    Face = Callable[[Report, Path], None]

FACES: dict[str, Face] = {".json": model.write}


def face(file: Path) -> Face:
    """What writes a report to such a file.

    Raises:
        KitError: the suffix is of no face, or the folder does not exist.
    """
    if file.suffix not in FACES:
        message = f"--report {file}: expected a file ending in {', '.join(FACES)}"
        raise KitError(message)
    if not file.absolute().parent.is_dir():
        message = f"--report {file}: there is no folder {file.absolute().parent}; make it first"
        raise KitError(message)
    return FACES[file.suffix]
