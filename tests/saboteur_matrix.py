"""Plays the cases about kernels, or those about SDKs, against each with a fault, and says where one fails otherwise than declared.

Usage: ``python tests/saboteur_matrix.py kernel|sdk [--whole]``. Each fault is played in the cases that catch it, in one
variant of each file that exercises what it breaks, and in others until all has failed that it cannot help breaking; with
``--whole``, which takes hours, in all variants that exercise it and in one of every other file. What was played is kept
in ``build/saboteurs`` until the kit, a case or a worker changes, so that a run that was stopped goes on where it was, and
plays again what was otherwise than declared. The exit status is 1 where a fault fails more or less than the
``saboteurs.json`` of its folder declares, where a file of cases catches nobody, or where two requirements are failed by the
same faults.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import pytest_stdiobus  # noqa: E402 - the folder above is found only now
from pytest_stdiobus.data import data_dir  # noqa: E402
from tests.kit import kernel_saboteurs, sdk_saboteurs  # noqa: E402
from tests.kit.saboteurs import Saboteur, file_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_stdiobus.kit.target import Target

WHOLE = "--whole"
SUBJECTS = {"kernel": kernel_saboteurs, "sdk": sdk_saboteurs}
HONEST = Saboteur("honest", "", {})
BATCH = 20  # cases that are played before they are kept
PATIENT = 4  # a scale for what came otherwise than declared: the machine may have been busy
KEPT = ROOT / "build" / "saboteurs"

Found = dict[str, list[str]]  # the requirements that each case failed


def main(arguments: list[str]) -> int:
    """Play what is not known yet and print a line for each fault that is otherwise than declared; the exit status."""
    subject, *given = arguments
    of = SUBJECTS[subject]
    folder = KEPT / _digest() / subject
    folder.mkdir(parents=True, exist_ok=True)
    everyone = (HONEST, *of.saboteurs())
    wanted = {one: _meant(subject, one, whole=WHOLE in given) for one in everyone}
    _play(subject, folder, wanted)
    found = {one: _kept(folder, one) for one in everyone}
    strange = [line for one in everyone for line in _strange(subject, one, wanted[one], found[one])]
    files = {file_of(name) for results in found.values() for name, failed in results.items() if failed}
    strange += [f"no fault fails {file}" for file in sorted({file_of(name) for name in of.cases()} - files)]
    strange += _alike({one: set().union(*found[one].values()) for one in everyone})
    sys.stdout.writelines(f"{line}\n" for line in strange)
    played = sum(len(results) for results in found.values())
    sys.stdout.write(f"{subject}: {len(everyone)} programs, {played} cases played: ")
    sys.stdout.write(f"{len(strange)} things are not as declared\n" if strange else "all as declared\n")
    return 1 if strange else 0


def _meant(subject: str, saboteur: Saboteur, *, whole: bool) -> list[str]:
    of = SUBJECTS[subject]
    variants: list[str] = of.first_variants()
    if saboteur == HONEST:
        return variants
    about = [name for name, case in of.cases().items() if saboteur.breaks in case.requirements]
    first = [*saboteur.caught_by, *(name for name in variants if name in about)]
    return list(dict.fromkeys([*first, *about, *variants] if whole else first))


def _play(subject: str, folder: Path, wanted: dict[Saboteur, list[str]]) -> None:
    """Play what is not kept."""
    total = sum(map(len, wanted.values()))
    with ProcessPoolExecutor(3 * (os.cpu_count() or 1)) as pool:
        batches = {
            pool.submit(_played, subject, one, batch): one
            for one, names in wanted.items()
            for batch in _batches(_open(one, names, _kept(folder, one)))
        }
        for number, done in enumerate(as_completed(batches), 1):
            one = batches[done]
            _keep(folder, one, done.result())
            sys.stderr.write(f"{number} of {len(batches)} batches of {total} cases: {one.name}\n")
        known = {one: _kept(folder, one) for one in wanted}
        for one, found in zip(wanted, pool.map(_sought, repeat(subject), wanted, known.values()), strict=True):
            _keep(folder, one, found)
            sys.stderr.write(f"sought what else fails: {one.name}\n")


def _batches(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


def _played(subject: str, saboteur: Saboteur, names: list[str]) -> Found:
    """What each case fails; what is not as declared is played again with all the time it needs."""
    of = SUBJECTS[subject]
    target = of.target() if saboteur == HONEST else of.target("--break", saboteur.name)
    found = _failed(subject, target, names, of.SCALE)
    return found | _failed(subject, target, _open(saboteur, names, found), PATIENT)


def _open(saboteur: Saboteur, names: list[str], known: Found) -> list[str]:
    """The cases that were not played, or were otherwise than declared."""
    return [name for name in names if name not in known or _is_strange(saboteur, name, known[name])]


def _is_strange(saboteur: Saboteur, name: str, failed: list[str]) -> bool:
    return not set(failed) <= saboteur.failing or (name in saboteur.caught_by and not failed)


def _sought(subject: str, saboteur: Saboteur, known: Found) -> Found:
    """What further cases fail, until everything has failed that is declared to."""
    of = SUBJECTS[subject]
    target = of.target("--break", saboteur.name)
    found: Found = {}
    for requirement in sorted({saboteur.breaks, *saboteur.also} - {""}):
        exercise = [name for name in of.first_variants() if requirement in of.cases()[name].requirements]
        exercise.sort(key=lambda name: of.cases()[name].requirements[0] != requirement)
        about = [name for name, case in of.cases().items() if saboteur.breaks in case.requirements]
        for name in (*exercise, *about):
            if requirement in set().union(*known.values(), *found.values()):
                break
            # What was played, and did not fail it, was perhaps played while the machine was busy.
            found |= _failed(subject, target, [name], PATIENT) if name in known else _played(subject, saboteur, [name])
    return found


def _failed(subject: str, target: Target, names: list[str], scale: float) -> Found:
    found: Found = {}
    for name in names:
        try:
            results = SUBJECTS[subject].judged(target, [name], scale)
        except AssertionError as error:  # it could not be played: it is told, and played again by the next run
            sys.stderr.write(f"{target.command[-1]} in {name}: {error}\n")
        else:
            found[name] = sorted({finding.requirement for finding in results[name].failures})
    return found


def _strange(subject: str, saboteur: Saboteur, wanted: list[str], found: Found) -> Iterator[str]:
    """What a fault fails beside what is declared, what it does not fail, and what could not be played."""
    for name, failed in found.items():
        for requirement in sorted(set(failed) - saboteur.failing):
            yield f"{saboteur.name} is not declared to fail {requirement}: {name}"
        if not failed and name in saboteur.caught_by:
            yield f"{saboteur.name} is not caught by {name}"
    for requirement in sorted({saboteur.breaks, *saboteur.also} - {""} - set().union(*found.values())):
        yield f"{saboteur.name} does not fail {requirement}"
    for name in wanted:
        if name not in found:
            yield f"{saboteur.name} could not be played in {name}; run again"


def _alike(failed: dict[Saboteur, set[str]]) -> Iterable[str]:
    """Requirements that the same faults fail."""
    by_faults: dict[frozenset[str], list[str]] = {}
    for requirement in sorted({one.breaks for one in failed} - {""}):
        faults = frozenset(one.name for one, names in failed.items() if requirement in names)
        by_faults.setdefault(faults, []).append(requirement)
    return [f"the same faults fail {' and '.join(names)}" for names in by_faults.values() if len(names) > 1]


def _file(folder: Path, saboteur: Saboteur) -> Path:
    return folder / f"{saboteur.name}.json"


def _keep(folder: Path, saboteur: Saboteur, found: Found) -> None:
    _file(folder, saboteur).write_text(json.dumps(_kept(folder, saboteur) | found), encoding="utf-8")


def _kept(folder: Path, saboteur: Saboteur) -> Found:
    file = _file(folder, saboteur)
    found: Found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def _digest() -> str:
    """Of all that decides what a case comes to, but not of what is declared."""
    digest = hashlib.sha256()
    folders = (Path(pytest_stdiobus.__file__).parent, data_dir() / "conformance" / "cases", data_dir() / "workers")
    for file in sorted(file for folder in folders for file in folder.rglob("*.[jp]*") if file.name != "saboteurs.json"):
        if file.suffix in {".json", ".py"}:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
