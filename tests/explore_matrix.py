"""Plays cases made at random against every kernel with a fault, and says which of them fails first, and what.

Usage: ``python tests/explore_matrix.py EXAMPLES SEEDS [FAULT...]``, such as ``60 0,1,2``. A line is for a fault: its name, the
requirement that it is for, and for each seed the number of the first case that failed, or ``-``.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.kit.generated_saboteurs import first_failure
from tests.kit.kernel_saboteurs import saboteurs


def main(arguments: list[str]) -> None:
    """Print the lines."""
    count, seeds, *names = arguments
    meant = [saboteur for saboteur in saboteurs() if not names or saboteur.name in names]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = [
            (saboteur, [pool.submit(first_failure, saboteur.name, int(seed), int(count)) for seed in seeds.split(",")])
            for saboteur in meant
        ]
        for saboteur, firsts in found:
            told = "   ".join(first.result() or "-" for first in firsts)
            sys.stdout.write(f"{saboteur.name:34} {saboteur.breaks:11} {told}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
