"""What is judged, as a target file or the command line says it (``schemas/target``)."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.case import BACKENDS, EMBEDDED, STDIO, TCP, UNIX
from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.kit.supervising import how_it_ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KERNEL, SDK, WORKER = "kernel", "sdk", "worker"  # what a target can be
_EMBEDDING = "embedding"  # the capability that every library has
_LOADING_S = 20.0


@dataclass(frozen=True)
class Target:
    """Something that can be judged.

    Attributes:
        name: how reports call it.
        version: its version, or empty.
        command: program and arguments; no shell reads them.
        library: the shared library of a kernel, which the command hosts; empty for a program.
        subject: what it is: ``worker``, ``kernel`` or ``sdk``, of which the command is the adapter.
        env: variables added to the environment of the kit's user.
        cwd: where it runs; empty is a folder of its own that is removed afterwards.
        capabilities: what it declares to be able to do.
        probes: calls it answers: ``ok``, ``bad_params``, ``stream``, ``slow``, ``cancel_prompt``.
    """

    name: str
    command: tuple[str, ...]
    subject: str = "worker"
    library: str = ""
    version: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    capabilities: frozenset[str] = frozenset()
    probes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def transports(self) -> tuple[str, ...]:
        """What cases about it can be played on; those about a worker have nothing to choose from."""
        if self.subject == "sdk":
            return BACKENDS
        return (EMBEDDED,) if self.library else (STDIO, UNIX, TCP)


def from_command(
    command: Sequence[str], *, subject: str = "worker", cwd: str = "", folder: str | None = None
) -> Target:
    """A target that is only a command.

    The target runs in another folder, so that arguments that name a file from here, or with a ``/`` a folder, are made
    absolute.

    Args:
        command: program and arguments.
        subject: what it is.
        cwd: where it runs; empty is a temporary folder.
        folder: what relative paths are relative to; None is the current folder.

    Raises:
        KitError: the command is empty or there is no such program; the message says where it was looked for.
    """
    here = os.path.abspath(folder or "")
    if not command:
        message = "the command is empty: name a program and its arguments"
        raise KitError(message)
    where = os.path.join(here, cwd) if cwd else ""
    return Target(name=_name(command), command=_resolved(command, here), subject=subject, cwd=where)


def from_library(path: str, *, folder: str | None = None) -> Target:
    """A kernel that is a shared library; a program of the kit's hosts it, so that a crash is the program's.

    Args:
        path: its file.
        folder: what a relative path is relative to; None is the current folder.

    Raises:
        KitError: it cannot be loaded, or is not a library of the embedding API; the message says why.
    """
    library = os.path.join(os.path.abspath(folder or ""), path)
    if not os.path.isfile(library):
        message = f"there is no library {path!r}: looked for {library}"
        raise KitError(message)
    # The real interpreter, without the packages of the user: it starts in a third of the time.
    python = os.path.realpath(sys.executable)
    command = (python, "-s", "-S", "-E", str(data_dir() / "workers" / "embedding.py"), library)
    try:
        told = subprocess.run(  # noqa: S603 - our own program
            [*command, "--version"],
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=_LOADING_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"{path} cannot be loaded: that had not ended after {_LOADING_S:g} s"
        raise KitError(message) from None
    if told.returncode:
        how = told.stderr.strip() or (
            f"it ends the process with {how_it_ended(told.returncode)['signal']}"
            if told.returncode < 0
            else f"status {told.returncode}"
        )
        message = f"{path} cannot be loaded: {how}"
        raise KitError(message)
    version, can = told.stdout.strip(), frozenset({_EMBEDDING})
    return Target(os.path.basename(path), command, subject="kernel", library=library, version=version, capabilities=can)


def from_file(file: Path) -> Target:
    """The target that a file describes; its paths are relative to the file.

    Raises:
        DataError: the file is not valid.
        KitError: there is no such program.
    """
    data = schemas.load(file, "target")
    folder = str(file.resolve().parent)
    if "library" in data:
        target = from_library(data["library"], folder=folder)
    else:
        target = Target("", _resolved(data["command"], folder), subject=data.get("subject", "worker"))
    cwd = os.path.join(folder, data["cwd"]) if "cwd" in data else ""
    if cwd and not os.path.isdir(cwd):
        fault = f"$.cwd: expected a folder, there is none at {cwd}"
        raise DataError(str(file), [fault])
    return replace(
        target,
        name=data["name"],
        version=data.get("version", target.version),
        env=data.get("env", {}),
        cwd=cwd,
        capabilities=target.capabilities | frozenset(data.get("capabilities", ())),
        probes=data.get("probes", {}),
    )


def _name(command: Sequence[str]) -> str:
    words = [os.path.basename(word) for word in command[:2]]
    return words[0] if len(words) == 1 or words[1].startswith("-") else words[1]


def _resolved(command: Sequence[str], folder: str) -> tuple[str, ...]:
    program, *arguments = command
    local = os.path.join(folder, program)
    found = shutil.which(local if os.sep in program else program)
    if found is None:
        where = folder if os.sep in program else "PATH"
        message = f"there is no program {program!r}: looked in {where}"
        if os.path.isfile(local):
            is_meant = os.sep in program and not os.access(local, os.X_OK)
            remedy = f"{program!r} is not executable: chmod +x {shlex.quote(os.path.normpath(local))}"
            message = remedy if is_meant else f"{message}; did you mean {os.path.join(os.curdir, program)}?"
        raise KitError(message)
    return (os.path.abspath(found), *(_absolute(word, folder) for word in arguments))


def _absolute(word: str, folder: str) -> str:
    """An argument, absolute where it is a path from the folder; a bare word may be a command called like a folder."""
    path = os.path.join(folder, word)
    is_path = os.path.isfile(path) or ((os.sep in word or word in {os.curdir, os.pardir}) and os.path.isdir(path))
    return os.path.normpath(path) if is_path else word
