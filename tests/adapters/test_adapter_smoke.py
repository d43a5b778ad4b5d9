"""Trying an adapter tells one that is broken from an SDK that is bad."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_stdiobus.kit.adapters.result import Blame, Check
from pytest_stdiobus.kit.adapters.smoke import smoke
from pytest_stdiobus.kit.target import Target

from .conversation import ADAPTERS

FAULTS = {
    "sdk cannot start": "open",
    "sdk loses results": "request",
    "sdk forgets": "notify",
    "sdk is deaf": "on_message",
}
SMALL = str(Path(__file__).with_name("small.py"))


def tried(*words: str, time_scale: float = 1.0) -> dict[str, Check]:
    adapter = Target("small", (sys.executable, *words))
    return {check.name: check for check in smoke(adapter, time_scale=time_scale).checks}


def blamed(checks: dict[str, Check], blame: Blame) -> set[str]:
    return {name for name, check in checks.items() if check.blame is blame}


def test_a_sound_adapter_of_a_good_sdk_passes() -> None:
    checks = tried(SMALL)
    assert {name: check.said for name, check in checks.items() if check.blame in {Blame.ADAPTER, Blame.SDK}} == {}
    assert {"subprocess/request", "subprocess/stream", "subprocess/notify", "subprocess/close"} <= blamed(
        checks, Blame.NOBODY
    )
    assert "subprocess/hello" in blamed(checks, Blame.SKIPPED)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_a_sound_adapter_tells_is_held_against_its_sdk(fault: str) -> None:
    failing = FAULTS[fault]
    checks = tried(SMALL, fault, time_scale=0.3)
    assert blamed(checks, Blame.ADAPTER) == set()
    assert f"subprocess/{failing}" in blamed(checks, Blame.SDK)
    assert "the peer: " in checks[f"subprocess/{failing}"].said


@pytest.mark.parametrize(
    ("fault", "failing"), [("sdk hangs", "request"), ("sdk takes turns", "at-once"), ("sdk hangs at the end", "close")]
)
def test_an_sdk_that_hangs_is_not_its_adapters_fault(fault: str, failing: str) -> None:
    check = tried(SMALL, fault, time_scale=0.3)[f"subprocess/{failing}"]
    assert check.blame is Blame.SDK
    assert "while the adapter answers other calls" in check.said


def test_a_crash_is_held_against_the_sdk() -> None:
    checks = tried(SMALL, "sdk crashes")
    assert blamed(checks, Blame.ADAPTER) == set()
    assert "the adapter was ended by SIGABRT" in checks["subprocess/close"].said
    assert checks["subprocess/exit"].blame is Blame.SKIPPED


@pytest.mark.parametrize(("fault", "failing"), [("pushes", "stream"), ("blocks", "request")])
def test_a_broken_adapter_is_blamed_itself(fault: str, failing: str) -> None:
    checks = tried(SMALL, fault, time_scale=0.3)
    assert f"subprocess/{failing}" in blamed(checks, Blame.ADAPTER)


def test_an_adapter_without_its_sdk_says_what_it_lacks(tmp_path: Path) -> None:
    program = tmp_path / "lacking.py"
    program.write_text(
        'print(\'{"answer": "describe", "error": {"name": "MISSING", "message": "npm install it"}}\', flush=True); input()\n'
    )
    checks = tried(str(program))
    assert checks["describe"].blame is Blame.SDK
    assert checks["describe"].said == "MISSING: npm install it"


def test_the_adapter_of_the_reference_reaches_it_with_every_backend() -> None:
    checks = tried(str(ADAPTERS / "python" / "reference.py"))
    assert blamed(checks, Blame.ADAPTER) | blamed(checks, Blame.SDK) == set()
    assert blamed(checks, Blame.SKIPPED) == {"docker/open"}
