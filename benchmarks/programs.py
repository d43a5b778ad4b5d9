"""The programs of the benchmarks: ours are compiled, the published kernel is downloaded."""

# ruff: noqa: INP001, S603 (a program beside its modules, no package; it runs programs)
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KERNEL = Path(__file__).resolve().parent.parent / "kernel"
CACHE = Path(__file__).resolve().parent / ".cache"
PUBLISHED_VERSION = "2.2.1"
INCLUDE = f"-I{KERNEL / 'include'}"
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2")


@dataclass(frozen=True)
class Programs:
    """Where the executables are; `published` is None where it cannot be had."""

    kernel: Path
    published: Path | None
    load: Path
    echo_worker: Path
    relay: Path
    scanner: Path
    route_cost: Path


def build(folder: Path, *, published: Path | None) -> Programs:
    """Compile the kernel and the programs of kernel/bench into `folder`, with the options of a release."""
    compiler = os.environ.get("CC", "cc")
    sources = sorted(path for path in (KERNEL / "src").glob("*.c") if path.name != "main.c")
    subprocess.run([compiler, *FLAGS, INCLUDE, "-c", *map(str, sources)], check=True, cwd=folder)
    objects = [str(folder / f"{source.stem}.o") for source in sources]

    def link(name: str, source: Path) -> Path:
        return compile_one(folder, source, objects, name)

    bench = KERNEL / "bench"
    return Programs(
        kernel=link("stdiobus-kernel", KERNEL / "src" / "main.c"),
        published=published,
        **{name: link(name, bench / f"{name}.c") for name in ("load", "echo_worker", "relay", "scanner", "route_cost")},
    )


def compile_one(folder: Path, source: Path, objects: Sequence[str] = (), name: str = "") -> Path:
    """Compile one program into `folder`, by default under the name of its source."""
    program = folder / (name or source.stem)
    command = [os.environ.get("CC", "cc"), *FLAGS, INCLUDE, str(source), *objects, "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def fetch_published() -> Path | None:
    """Give the published executable, from the cache or from its source distribution; None without a network."""
    program = CACHE / f"stdio_bus-{PUBLISHED_VERSION}"
    if program.exists():
        return program
    CACHE.mkdir(exist_ok=True)
    wanted = f"stdiobus=={PUBLISHED_VERSION}"
    options = ("--quiet", "--no-deps", "--no-binary", "stdiobus", "--dest", str(CACHE))
    if subprocess.run([sys.executable, "-m", "pip", "download", *options, wanted], check=False).returncode != 0:
        return None
    archive = CACHE / f"stdiobus-{PUBLISHED_VERSION}.tar.gz"
    with tarfile.open(archive) as files:
        member = files.extractfile(f"stdiobus-{PUBLISHED_VERSION}/kernel/dist/linux-amd64/stdio_bus")
        if member is None:
            return None
        with program.open("wb") as out:
            shutil.copyfileobj(member, out)
    program.chmod(0o755)
    return program
