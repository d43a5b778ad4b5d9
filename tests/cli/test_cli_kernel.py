"""The command that judges kernels."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_kernel, bundled_library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Said

    Command = Callable[..., Said]

ONE = "transparency/notifications"


def test_the_bundled_kernel_is_judged_unless_another_is_named(command: Command, tmp_path: Path) -> None:
    said = command("kernel", "-k", ONE, "--transport", "unix", "--report", "report.json")
    assert said.status == 0, said
    assert "transparency 1/1" in said.out
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["target"]["subject"] == "kernel"


@pytest.mark.parametrize("how", ["--binary", "--"])
def test_a_kernel_is_named_by_its_file_or_its_command(command: Command, how: str) -> None:
    said = command("kernel", "-k", ONE, "--transport", "stdio,unix", how, bundled_kernel())
    assert said.status == 0, said


def test_only_one_kernel_is_judged_at_a_time(command: Command) -> None:
    said = command("kernel", "--binary", bundled_kernel(), "--", bundled_kernel())
    assert said.status == 2
    assert "name one kernel" in said.err


@pytest.mark.parametrize("names", ["udp", "unix,udp", ""])
def test_a_transport_that_is_none_is_refused(command: Command, names: str) -> None:
    said = command("kernel", "--transport", names)
    assert said.status == 2
    assert "--transport" in said.err


def test_a_kernel_that_is_not_there_is_named(command: Command) -> None:
    said = command("kernel", "--binary", "./none")
    assert said.status == 2
    assert "./none" in said.err


def test_a_failure_of_a_kernel_can_be_played_again(command: Command, tmp_path: Path) -> None:
    deaf = tmp_path / "deaf.py"
    deaf.write_text("", encoding="utf-8")
    said = command("kernel", "-k", ONE, "--transport", "stdio", "--", sys.executable, deaf)
    assert said.status == 1
    assert "KRN-TRN-01/notifications[stdio]" in said.out
    again = command("replay", "kernel/transparency/notifications[stdio]")
    assert again.status == 1
    assert "exited with status 0" in again.out


def test_a_library_is_judged_through_the_embedding_api(command: Command, tmp_path: Path) -> None:
    said = command("kernel", "-k", ONE, "--library", bundled_library(), "--report", "report.json")
    assert said.status == 0, said
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [case["id"] for case in report["cases"]] == ["kernel/transparency/notifications[embedded]"]
    assert str(bundled_library()) in {file["path"] for file in report["target"]["files"]}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--binary", "./k", "--library", "./k.so"], "name one kernel"),
        (["--library", "./none.so"], "there is no library"),
        (["--transport", "unix,embedded"], "--library PATH judges what is embedded"),
        (["--library", bundled_library(), "--transport", "unix"], "cases are played on embedded here"),
    ],
)
def test_a_library_has_one_transport_of_its_own(command: Command, words: list[str], why: str) -> None:
    said = command("kernel", *words)
    assert said.status == 2
    assert why in said.err
