"""A kernel that is judged in a run of pytest: its cases are items, and every option counts for them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest_stdiobus.suite.joining  # noqa: F401
from pytest_stdiobus.data import bundled_kernel
from pytest_stdiobus.kit.checks import held_always

if TYPE_CHECKING:
    import pytest

held_always("kernel")  # a run inside this process forgets what it was the first to import
FRAMING, FLAGS = "stdiobus::kernel/framing/carriage-return", "stdiobus::kernel/limits/flags-of-its-streams"
LEAVES_FLAGS_CHANGED = f"""#!{sys.executable}
import os, sys
os.set_blocking(1, False)
os.execv({str(bundled_kernel())!r}, [{str(bundled_kernel())!r}, *sys.argv[1:]])
"""


def target(pytester: pytest.Pytester, code: str = "") -> str:
    """The option that names the bundled kernel, or one with a fault that only a choice of this kit forbids."""
    program = str(bundled_kernel())
    if code:
        file = pytester.path / "kernel.py"
        file.write_text(code, encoding="utf-8")
        file.chmod(0o755)
        program = str(file)
    described = {"name": "mine", "subject": "kernel", "command": [program]}
    pytester.makefile(".target.json", kernel=json.dumps(described))
    return "--stdiobus-target=kernel.target.json"


def report(pytester: pytest.Pytester, name: str = "r.json") -> Any:
    return json.loads((pytester.path / name).read_text(encoding="utf-8"))


def test_each_case_is_an_item_on_each_transport(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(target(pytester), FRAMING, "-v", "--stdiobus-report=r.json")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"{FRAMING}[[]{name}] PASSED*" for name in ("stdio", "unix", "tcp")])
    assert [case["outcome"] for case in report(pytester)["cases"]] == ["pass"] * 3


def test_what_only_this_kit_chose_is_a_warning(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(target(pytester, LEAVES_FLAGS_CHANGED), FLAGS)
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["warn KRN-LIM-10*"])


def test_it_fails_when_strict_and_is_expected_when_known(pytester: pytest.Pytester) -> None:
    judged_kernel = target(pytester, LEAVES_FLAGS_CHANGED)
    pytester.runpytest(judged_kernel, FLAGS, "--stdiobus-strict").assert_outcomes(failed=3)
    known = {"known_failures": [{"requirement": "KRN-LIM-10", "reason": "they are our own", "target": "mine"}]}
    pytester.makefile(".json", known=json.dumps(known))
    result = pytester.runpytest(
        judged_kernel, FLAGS, "--stdiobus-strict", "--stdiobus-known-failures=known.json", "-rx"
    )
    result.assert_outcomes(xfailed=3)
    result.stdout.fnmatch_lines(["*they are our own*"])


def test_several_processes_make_the_same_report_as_one(pytester: pytest.Pytester) -> None:
    options = (target(pytester, LEAVES_FLAGS_CHANGED), FLAGS, FRAMING, "--stdiobus-strict")
    pytester.runpytest(*options, "--stdiobus-report=one.json").assert_outcomes(failed=3, passed=3)
    several = pytester.runpytest_subprocess(*options, "--stdiobus-report=several.json", "-n2")
    several.assert_outcomes(failed=3, passed=3)
    one, two = (report(pytester, f"{name}.json") for name in ("one", "several"))
    for part in ("verdict", "counts", "options"):
        assert one[part] == two[part]
    outcomes, theirs = ({case["id"]: case["outcome"] for case in told["cases"]} for told in (one, two))
    assert len(outcomes) == len(one["cases"])
    assert outcomes == theirs
