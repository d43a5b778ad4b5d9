"""Workers of the kit in a container: a folder that the container shares holds their program and their socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.drivers.scripted import ScriptedWorkers

if TYPE_CHECKING:
    from pytest_stdiobus.kit.pump import Pump

ENGINE = "docker"
_INSIDE = "/stdiobus"  # where a container has the folder
_COMMAND = ("python3", "-I", "-S", f"{_INSIDE}/scripted.py", f"{_INSIDE}/workers")
_ENGINE_S = 20.0
_ENGINE_FAILED = 125  # the status of its command run where not the container did


@dataclass
class Containers:
    """The containers that an SDK starts in one run.

    Attributes:
        label: what tells them from all others of the engine.
    """

    label: str = field(default_factory=lambda: f"pytest-stdiobus={uuid.uuid4().hex}")
    _started: bool = False

    def workers(self, pump: Pump, folder: str) -> ScriptedWorkers:
        """Workers that whoever is a container's user can start; of this machine's users, who comes past `folder`."""
        shared = _shared(folder)
        os.mkdir(shared)
        shutil.copyfile(data_dir() / "workers" / "scripted.py", os.path.join(shared, "scripted.py"))
        made = ScriptedWorkers(pump, shared, obedient=True, command=_COMMAND)
        for name, mode in (("", 0o755), ("scripted.py", 0o644), ("workers", 0o666)):
            os.chmod(os.path.join(shared, name), mode)
        return made

    def extra_args(self, folder: str, *, stand_in: bool) -> list[str]:
        """What the engine is told besides, so that those workers can start, or in place of the image's kernel that of the kit."""
        self._started = True
        told = [f"--volume={_shared(folder)}:{_INSIDE}", f"--label={self.label}"]
        # The first process of a container heeds no signal that it has no handler for.
        return [*told, f"--entrypoint={_INSIDE}/kernel", "--init"] if stand_in else told

    def unfitness(self, image: str) -> str:
        """Why what is the kit's cannot run in an image; nothing where it can, and where the engine does not say."""
        command = ("run", "--rm", "--pull=never", f"--label={self.label}", "--entrypoint=/bin/sh", image)
        self._started = True
        tried = _asked(*command, "-c", "exec python3 -I -S -c ''") if image else None
        if tried is None or tried.returncode in {0, _ENGINE_FAILED}:
            return ""
        said = (tried.stderr.strip().splitlines() or [f"it ends with status {tried.returncode}"])[0]
        return f"the image {image} cannot run python3 from /bin/sh, which the kit needs: {said}"

    def remove(self) -> None:
        """Remove those that are left, as where an adapter was killed; an SDK with another engine than Docker has to do so itself."""
        listed = _asked("ps", "--all", "--quiet", f"--filter=label={self.label}") if self._started else None
        if listed is not None and (left := listed.stdout.split()):
            _asked("rm", "--force", "--volumes", *left)


def _shared(folder: str) -> str:
    return os.path.join(folder, "shared")


def _asked(*arguments: str) -> subprocess.CompletedProcess[str] | None:
    """What the engine's command came to; None where there is none, or it hangs."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(  # noqa: S603 - no shell reads it
            [ENGINE, *arguments], capture_output=True, text=True, timeout=_ENGINE_S, check=False
        )
    return None
