"""What a target file may say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit.errors import DataError
from pytest_stdiobus.kit.target import from_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "mine.target.json"
    file.write_text(json.dumps({"name": "mine", "command": ["true"], "cwd": "nope"}), encoding="utf-8")
    with pytest.raises(DataError, match=r"\$\.cwd: expected a folder, there is none at .*nope"):
        from_file(file)
