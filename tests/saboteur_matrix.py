"""Plays the cases about kernels against every kernel with a fault, or those about SDKs, and says what each of them fails.

Usage: ``python tests/saboteur_matrix.py kernel|sdk [--all-variants] [FAULT...]``. Without ``--all-variants`` it plays one
variant of each file and all that exercise the requirement which the fault is for. The exit status is 1 where a fault fails
more or less than ``saboteurs.json`` in its folder of ``workers/saboteurs`` declares.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.kit import kernel_saboteurs, sdk_saboteurs
from tests.kit.saboteurs import Saboteur, failing, file_of

ALL = "--all-variants"
SUBJECTS = {"kernel": kernel_saboteurs, "sdk": sdk_saboteurs}


def main(arguments: list[str]) -> int:
    """Print a line for each fault and requirement; the exit status."""
    subject, *given = arguments
    names = [name for name in given if name != ALL]
    of = SUBJECTS[subject]
    meant = [saboteur for saboteur in of.saboteurs() if not names or saboteur.name in names]
    failed: set[str] = set()
    wrong = 0
    with ProcessPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        for saboteur, found in zip(meant, pool.map(played, repeat(subject), meant, repeat(ALL in given)), strict=True):
            more, less = set(found) - saboteur.failing, saboteur.failing - set(found)
            wrong += bool(more or less)
            sys.stdout.write(f"{saboteur.name} breaks {saboteur.breaks}\n")
            for requirement, names_of_cases in sorted(found.items()):
                mark = "not declared: " if requirement in more else ""
                files = sorted({file_of(name).removeprefix(f"{subject}/") for name in names_of_cases})
                sys.stdout.write(f"  {mark}{requirement} in {len(names_of_cases)}: {' '.join(files)}\n")
                failed |= {file_of(name) for name in names_of_cases}
            sys.stdout.writelines(f"  not failed: {requirement}\n" for requirement in sorted(less))
            sys.stdout.flush()
    missed = sorted({file_of(name) for name in of.cases()} - failed)
    sys.stdout.write(
        f"{len(meant)} faults, {wrong} declared wrongly; files that none of them fails: {missed or 'none'}\n"
    )
    return 1 if wrong or (missed and not names) else 0


def played(subject: str, saboteur: Saboteur, every: bool) -> dict[str, set[str]]:
    """What a fault fails."""
    of = SUBJECTS[subject]
    meant = [name for name, case in of.cases().items() if saboteur.breaks in case.requirements]
    names = of.cases() if every else [*meant, *of.first_variants()]
    return failing(of.judged(of.target("--break", saboteur.name), names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
