from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, PoolConfig, SubprocessOptions, UnavailableError
from pytest_stdiobus.bus.backends import binary

if TYPE_CHECKING:
    from pathlib import Path


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bundle").mkdir()
    path = executable(tmp_path / "bundle" / "stdiobus-kernel")
    monkeypatch.setattr(binary, "bundled_kernel", lambda: path)
    return path


@pytest.mark.req("SDK-BIN-01")
def test_the_users_path_comes_first(tmp_path: Path, bundled: Path) -> None:
    mine = executable(tmp_path / "mine")
    assert binary.resolve_binary(str(mine)) == binary.KernelBinary(str(mine), bundled=False)


@pytest.mark.req("SDK-BIN-01")
def test_a_path_that_was_given_is_never_replaced(tmp_path: Path, bundled: Path) -> None:
    with pytest.raises(UnavailableError, match="absent"):
        binary.resolve_binary(str(tmp_path / "absent"))


@pytest.mark.req("SDK-BIN-01")
def test_auto_replaces_no_path_that_was_given(tmp_path: Path) -> None:
    config = BusConfig(pools=[PoolConfig(id="w", command="cat")])
    with pytest.raises(UnavailableError, match="absent is not an executable file"):
        AsyncStdioBus(config, subprocess=SubprocessOptions(binary_path=str(tmp_path / "absent")))


@pytest.mark.req("SDK-BIN-01")
def test_the_bundled_kernel_comes_before_path(tmp_path: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(tmp_path / "stdio_bus")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary.resolve_binary() == binary.KernelBinary(str(bundled), bundled=True)


@pytest.mark.req("SDK-BIN-01")
def test_path_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "bundled_kernel", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = executable(tmp_path / "stdio_bus")
    assert binary.resolve_binary() == binary.KernelBinary(str(found), bundled=False)


@pytest.mark.req("SDK-BIN-01")
def test_the_error_names_all_three_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "bundled_kernel", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError) as caught:
        binary.resolve_binary()
    for place in ("path of yours", "bundled", "PATH"):
        assert place in str(caught.value)
