"""Writes an adapter of this kit into somebody's repository, to be used as it is or changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.errors import KitError

if TYPE_CHECKING:
    from pathlib import Path

_README = "README.md"


def names() -> list[str]:
    """The adapters there are."""
    return sorted(_manifest())


def advice(name: str) -> str:
    """How to run an exported adapter."""
    return "\n".join(_manifest()[name]["readme"])


def export(name: str, folder: Path) -> list[Path]:
    """Write the files of an adapter, and how it is run, into a folder.

    Raises:
        KitError: there is no such adapter, or a file is already there or cannot be written.
    """
    if name not in _manifest():
        message = f"there is no adapter {name!r}: there are {', '.join(names())}"
        raise KitError(message)
    source = data_dir() / "conformance" / "adapters"
    content = {file.partition("/")[2]: (source / file).read_bytes() for file in _manifest()[name]["files"]}
    content[_README] = f"# Adapter\n\n{advice(name)}\n".encode()
    if there := [file for file in content if (folder / file).exists()]:
        message = f"{folder / there[0]} is already there, and nothing was written: name another folder"
        raise KitError(message)
    try:
        for file, data in content.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
    except OSError as error:
        message = f"{folder}: cannot be written: {error.strerror}"
        raise KitError(message) from None
    return [folder / file for file in content]


def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(
        (data_dir() / "conformance" / "adapters" / "adapters.json").read_text(encoding="utf-8")
    )
    return manifest
