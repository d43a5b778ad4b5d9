"""Builds a container image of a kernel's image and this machine's Python: ``python tests/python_image.py KERNEL IMAGE``.

Where a registry can be reached, ``FROM python:3-slim`` and a copy of the kernel do the same. Here nothing is fetched.
"""

from __future__ import annotations

import _socket
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SHELL = "/bin/sh"
LEFT_OUT = shutil.ignore_patterns(
    "site-packages", "test*", "config-*", "__pycache__", "idlelib", "ensurepip", "tkinter"
)
DOCKERFILE = "FROM {kernel}\nCOPY . /\nUSER 0\n"  # whom an SDK that names no user needs, to read its configuration


def lay_out(root: Path) -> None:
    """Copy a shell, the interpreter, its standard library and the libraries that they load to where they are here."""
    python = os.path.realpath(sys.executable)
    stdlib = sysconfig.get_path("stdlib")
    shutil.copytree(stdlib, root / stdlib.lstrip("/"), ignore=LEFT_OUT)
    extension = getattr(_socket, "__file__", python)  # or it is built into the interpreter
    loaded = {found for program in (python, SHELL, extension) for found in libraries(program)}
    for file in {python, SHELL, *loaded}:
        copy = root / file.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    command = root / "bin" / "python3"
    command.symlink_to(python)


def libraries(program: str) -> list[str]:
    """The shared libraries that a program needs, its loader included."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", told)


def build(kernel: str, image: str) -> None:
    """Build the image on top of the kernel's."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        command = ["docker", "build", "--quiet", f"--tag={image}", "--file=-", folder]
        subprocess.run(command, input=DOCKERFILE.format(kernel=kernel), text=True, check=True)


if __name__ == "__main__":
    build(*sys.argv[1:3])
