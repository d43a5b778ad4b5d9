"""The histories of what failed, kept in a folder until the next run, so that they can be judged and replayed."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import history as histories
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.result import SHOWN
from pytest_stdiobus.kit.target import WORKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.kit.target import Target

FOLDER = Path(".stdiobus") / "failures"
TARGET = "target.json"
MARKER = ".stdiobus-failures"  # a folder that has it is the kit's


@dataclass(frozen=True)
class Saved:
    """A history that was kept: the case it is of, and its file; the target's file lies beside it."""

    case: str
    file: Path

    @property
    def target(self) -> Path:
        """The file of the target that it was observed of."""
        return self.file.with_name(TARGET)


def check(folder: Path) -> None:
    """See to it that nothing of the user's lies where failures will be kept.

    Raises:
        KitError: the folder holds files that are not the kit's, or cannot be read.
    """
    try:
        names = {file.name for file in folder.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        message = f"failures cannot be kept in {folder}: {error.strerror}"
        raise KitError(message) from None
    if names and MARKER not in names:
        message = f"failures cannot be kept in {folder}: it holds files that the kit has not written; a new or an empty folder can be used"
        raise KitError(message)


def save(results: Iterable[CaseResult], target: Target, folder: Path, *, foreign: bool = False) -> str:
    """Keep the histories of what failed, in place of those of the run before, in a folder that was checked.

    Args:
        results: what the cases came to.
        target: what was judged.
        folder: where they are kept.
        foreign: whether it is somebody else's, which the histories say then too.

    Returns:
        Why they cannot be kept, or nothing.
    """
    _clear(folder)
    failed = [result for result in results if result.outcome in SHOWN and result.history is not None]
    try:
        if failed:
            _write(failed, target, folder, foreign=foreign)
    except OSError as error:
        return f"failures cannot be kept in {folder}: {error.strerror}"
    return ""


def _write(failed: Iterable[CaseResult], target: Target, folder: Path, *, foreign: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    with open(
        folder / TARGET, "w", encoding="utf-8", opener=histories.private
    ) as out:  # its environment may hold secrets
        out.write(json.dumps(_target(target), indent=2) + "\n")
    for result in failed:
        _save(result, folder, foreign=foreign)


def find(name: str, folder: Path) -> Saved:
    """The failure that is meant by a file, the id of a case, or ``REQUIREMENT/LAST PART OF ITS CASE``.

    Raises:
        KitError: there is none, or several; the message lists what there is.
    """
    if name.endswith(".ndjson"):
        return Saved(histories.read(Path(name)).head.get("case", ""), Path(name))
    kept = list(saved(folder))
    last = name.partition("/")[2]
    found = [one for one in kept if one.case == name or (last and one.case.endswith(f"/{last}"))]
    if len(found) != 1:
        listed = ", ".join(one.case for one in (found or kept)) or "none"
        message = f"{name!r} is not one failure of {folder}; kept there: {listed}"
        raise KitError(message)
    return found[0]


def saved(folder: Path) -> Iterator[Saved]:
    """Every failure that a folder keeps."""
    for file in sorted(folder.glob("*.ndjson")):
        yield Saved(histories.read(file).head.get("case", ""), file)


def _save(result: CaseResult, folder: Path, *, foreign: bool) -> None:
    file = folder / f"{result.case.id.replace('/', '.').replace('[', '@').rstrip(']')}.ndjson"
    if result.history is not None:
        told = {"foreign": True} if foreign else {}
        replace(result.history, head={**result.history.head, **told}).write(file)


def _clear(folder: Path) -> None:
    if (folder / MARKER).is_file():
        for file in (*folder.glob("*.ndjson"), *folder.glob("*.bin"), folder / TARGET):
            with contextlib.suppress(OSError):
                file.unlink()


def _target(target: Target) -> dict[str, object]:
    optional = {
        "subject": target.subject if target.subject != WORKER else "",
        "version": target.version,
        "cwd": target.cwd,
        "env": dict(target.env),
        "capabilities": sorted(target.capabilities),
        "probes": dict(target.probes),
    }
    what = {"library": target.library} if target.library else {"command": list(target.command)}
    return {"name": target.name, **what, **{k: v for k, v in optional.items() if v}}
