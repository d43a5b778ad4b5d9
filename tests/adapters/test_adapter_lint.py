"""The linter of adapters names a lie by its rule, and no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_stdiobus.kit.adapters.lint import RULES, lint
from pytest_stdiobus.kit.adapters.result import Blame, Check
from pytest_stdiobus.kit.target import Target

TINY = str(Path(__file__).with_name("tiny.py"))


def linted(lie: str, *, time_scale: float = 1.0) -> dict[str, Check]:
    adapter = Target("tiny", (sys.executable, "-I", "-S", TINY, lie))
    return {check.name: check for check in lint(adapter, time_scale=time_scale).checks}


def blamed(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.blame is Blame.ADAPTER}


def test_a_sound_adapter_passes_every_check() -> None:
    assert {name: check.said for name, check in linted("").items()} == dict.fromkeys(RULES, "")


@pytest.mark.parametrize(
    ("lie", "rules", "said"),
    [
        ("nameless", {"lines"}, "'name' is a required property"),
        ("repeats", {"events"}, "an answer to describe, which was not asked or has been answered"),
        ("knows everything", {"unknown-command", "lines"}, "it was answered"),
        ("can everything", {"unknown-op", "capabilities"}, "its event was result"),
        ("hides", {"capabilities"}, "stats is not described, and its event is result"),
        ("boasts", {"capabilities"}, "notify is described and unsupported"),
        ("makes up results", {"no-bus"}, "request without a bus has the event result"),
        ("goes on", {"events"}, "result after result"),
        ("chatters", {"lines"}, "ready is not JSON"),
        ("fails at the end", {"exit"}, "status 3"),
        ("leaves a child", {"leaves-nothing"}, "sleep 600"),
    ],
)
def test_a_lie_is_named_by_its_rule(lie: str, rules: set[str], said: str) -> None:
    checks = linted(lie)
    assert blamed(checks) == rules
    assert any(said in check.said for check in checks.values() if check.blame is Blame.ADAPTER), checks


@pytest.mark.parametrize(
    ("lie", "rules", "said"),
    [
        (
            "is silent",
            {"describe", "unknown-command", "unknown-op", "close", "exit"},
            "did not come within",
        ),
        ("forgets ids", {"unknown-op", "events"}, "an event of the call c0, which nobody made"),
        ("never closes", {"close"}, "an answer to close did not come"),
        ("stays", {"exit"}, "still there"),
        ("outlives its input", {"end-of-input"}, "still there"),
    ],
)
def test_silence_is_named(lie: str, rules: set[str], said: str) -> None:
    checks = linted(lie, time_scale=0.3)
    assert blamed(checks) >= rules
    assert any(said in check.said for check in checks.values()), checks


def test_an_adapter_that_ends_at_once_is_quoted() -> None:
    checks = linted("dies")
    assert "no module named sdk" in checks["describe"].said
    assert checks["close"].blame is Blame.SKIPPED
