"""Plays the cases about kernels against every kernel with a fault, and says what each of them fails.

Usage: ``python tests/saboteur_matrix.py [--all-variants] [FAULT...]``. Without ``--all-variants`` it plays one variant of each
file and all that exercise the requirement which the fault is for. The exit status is 1 where a fault fails more or less
than ``workers/saboteurs/kernel/saboteurs.json`` declares.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.kit.kernel_saboteurs import Saboteur, cases, failing, file_of, first_variants, judged, saboteurs, target

ALL = "--all-variants"


def main(arguments: list[str]) -> int:
    """Print a line for each fault and requirement; the exit status."""
    names = [name for name in arguments if name != ALL]
    meant = [saboteur for saboteur in saboteurs() if not names or saboteur.name in names]
    failed: set[str] = set()
    wrong = 0
    with ProcessPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        for saboteur, found in zip(meant, pool.map(played, meant, [ALL in arguments] * len(meant)), strict=True):
            more, less = set(found) - saboteur.failing, saboteur.failing - set(found)
            wrong += bool(more or less)
            sys.stdout.write(f"{saboteur.name} breaks {saboteur.breaks}\n")
            for requirement, names_of_cases in sorted(found.items()):
                mark = "not declared: " if requirement in more else ""
                files = sorted({file_of(name).removeprefix("kernel/") for name in names_of_cases})
                sys.stdout.write(f"  {mark}{requirement} in {len(names_of_cases)}: {' '.join(files)}\n")
                failed |= {file_of(name) for name in names_of_cases}
            sys.stdout.writelines(f"  not failed: {requirement}\n" for requirement in sorted(less))
            sys.stdout.flush()
    missed = sorted({file_of(name) for name in cases()} - failed)
    sys.stdout.write(
        f"{len(meant)} faults, {wrong} declared wrongly; files that none of them fails: {missed or 'none'}\n"
    )
    return 1 if wrong or (missed and not names) else 0


def played(saboteur: Saboteur, every: bool) -> dict[str, set[str]]:
    """What a fault fails."""
    meant = [name for name, case in cases().items() if saboteur.breaks in case.requirements]
    return failing(judged(target("--break", saboteur.name), cases() if every else [*meant, *first_variants()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
