from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus import data

if TYPE_CHECKING:
    from pathlib import Path


def test_the_data_folders_are_found() -> None:
    assert (data.data_dir() / "workers" / "echo.py").is_file()
    assert (data.data_dir() / "schemas" / "config.schema.json").is_file()


def test_a_broken_installation_is_an_error_that_names_both_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "__file__", str(tmp_path / "package" / "data.py"))
    with pytest.raises(FileNotFoundError, match="package"):
        data.data_dir()


def test_a_missing_kernel_is_explained_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_kernel").mkdir()
    (tmp_path / "_kernel" / "absent.txt").write_text("there was no compiler\n", encoding="utf-8")
    monkeypatch.setattr("pytest_stdiobus.__path__", [str(tmp_path)])
    assert data.kernel_file("stdiobus-kernel") is None
    assert "there was no compiler" in data.kernel_absence()
    assert "pip install" in data.kernel_absence()
