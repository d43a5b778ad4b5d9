"""The options of a judged worker, on the command line and in the ini file; what cannot work is refused before anything runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.options import (
    KIT_OPTIONS,
    KNOWN_FAILURES,
    PROFILE,
    REPEAT,
    REPORT,
    SEED,
    STRICT,
    TARGET,
    TIME_SCALE,
    WORKER,
)

from .judged import ECHO, ONE, worker

if TYPE_CHECKING:
    from collections.abc import Callable

# What each option is set to, and where the report shows it. Worker and target exclude each other.
SEEN: dict[str, tuple[str, Callable[[Any], object]]] = {
    WORKER.name: ("{worker}", lambda report: report["target"]["name"] == "agent.py"),
    TARGET.name: ("target.json", lambda report: report["target"]["name"] == "of-a-file"),
    PROFILE.name: ("mcp", lambda report: report["options"]["profile"] == "mcp"),
    STRICT.name: ("true", lambda report: report["options"]["strict"] is True),
    KNOWN_FAILURES.name: ("known.json", lambda report: report["baseline"]["used"] == 1),
    REPEAT.name: ("2", lambda report: report["options"]["repeat"] == 2),
    SEED.name: ("7", lambda report: report["options"]["seed"] == 7),
    TIME_SCALE.name: ("1.5", lambda report: report["options"]["time_scale"] == 1.5),
    REPORT.name: ("report.json", lambda report: report["format"] == 1),
}
MODES = {
    "strict": ["--asyncio-mode=strict"],
    "auto": ["--asyncio-mode=auto"],
    "xdist": ["-n2"],
}


def test_every_option_of_the_kit_is_tried_here() -> None:
    assert set(SEEN) == {option.name for option in KIT_OPTIONS}


@pytest.mark.parametrize(
    ("mode", "place", "judged"),
    [
        ("strict", "command", WORKER.name),
        ("strict", "ini", TARGET.name),
        ("auto", "ini", WORKER.name),
        ("auto", "command", TARGET.name),
        ("xdist", "command", WORKER.name),
        ("xdist", "ini", TARGET.name),
    ],
)
def test_every_option_of_the_kit_holds(pytester: pytest.Pytester, mode: str, place: str, judged: str) -> None:
    command = worker(pytester)
    _write(pytester, "target.json", {"name": "of-a-file", "command": command.split()})
    _write(pytester, "known.json", {"known_failures": [{"case": ONE.partition("::")[2], "reason": "not yet"}]})
    chosen = [
        option for option in KIT_OPTIONS if option.name == judged or option.name not in {WORKER.name, TARGET.name}
    ]
    values = {option: SEEN[option.name][0].format(worker=command) for option in chosen}
    flags = []
    if place == "command":
        flags = [option.flag if option is STRICT else f"{option.flag}={value}" for option, value in values.items()]
    else:
        _ini(pytester, *(f"{option.ini} = {value}" for option, value in values.items()))
    run = pytester.runpytest_subprocess if mode == "xdist" else pytester.runpytest
    run(*MODES[mode], *flags, ONE).assert_outcomes(xfailed=1)
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    assert [option.name for option in chosen if not SEEN[option.name][1](report)] == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--stdiobus-worker="], "name one target to judge"),
        (["--stdiobus-worker=no-such-program"], "--stdiobus-worker: there is no program 'no-such-program'*PATH"),
        (["--stdiobus-worker=python 'agent"], "--stdiobus-worker: *cannot be read as a shell would*"),
        (["--stdiobus-worker=cat", "--stdiobus-target=target.json"], "name one target to judge"),
        (["--stdiobus-target=gone.json"], "--stdiobus-target: */gone.json: cannot be read: No such file*"),
        (["--stdiobus-target=bad.json"], "--stdiobus-target: */bad.json: $.command: [[]] should be non-empty*"),
        (
            ["--stdiobus-worker=cat", "--stdiobus-profile=pigeon"],
            "--stdiobus-profile: 'pigeon' is not a profile; use *bus*",
        ),
        (
            ["--stdiobus-worker=cat", "--stdiobus-repeat=0"],
            "--stdiobus-repeat: expected a whole number from 1, got '0'",
        ),
        (["--stdiobus-worker=cat", "--stdiobus-seed=x"], "--stdiobus-seed: expected a whole number from 0, got 'x'"),
        (["--stdiobus-worker=cat", "--stdiobus-time-scale=inf"], "--stdiobus-time-scale: expected a number above 0*"),
        (
            ["--stdiobus-worker=cat", "--stdiobus-report=r.pdf"],
            "--stdiobus-report: */r.pdf: expected a file ending in .json*",
        ),
        (
            ["--stdiobus-worker=cat", "--stdiobus-report=no/r.json"],
            "--stdiobus-report: *there is no folder */no; make it*",
        ),
        (
            ["--stdiobus-worker=cat", "--stdiobus-known-failures=bad.json"],
            "--stdiobus-known-failures: */bad.json: $: *'known_failures' is a required property",
        ),
        (["--stdiobus-profile=acp"], "name one target to judge"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_cannot_work_is_refused_before_anything_runs(
    pytester: pytest.Pytester, flags: list[str], message: str
) -> None:
    _write(pytester, "bad.json", {"name": "x", "command": []})
    _write(pytester, "target.json", {"name": "x", "command": ["cat"]})
    pytester.makepyfile("def test_it(): assert False, 'it ran'")
    result = pytester.runpytest(*flags)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message}*"])


def test_a_folder_for_failures_that_holds_files_of_the_users_is_refused(pytester: pytest.Pytester) -> None:
    mine = pytester.path / ".stdiobus" / "failures" / "target.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    result = pytester.runpytest(f"--stdiobus-worker={ECHO}", ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*failures cannot be kept in */.stdiobus/failures: it holds files*"])
    assert mine.read_text(encoding="utf-8") == "mine"


def test_a_setting_of_the_ini_file_that_needs_a_worker_waits_for_one(pytester: pytest.Pytester) -> None:
    _ini(pytester, "stdiobus_profile = acp", "stdiobus_strict = true")
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_path_in_the_ini_file_is_relative_to_that_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(pytester)
    _ini(pytester, f"stdiobus_worker = {sys.executable} agent.py")
    monkeypatch.chdir(pytester.mkdir("elsewhere"))
    result = pytester.runpytest("-c", "../pytest.ini", ONE)
    result.stdout.fnmatch_lines([f"agent.py *{pytester.path}/agent.py"])


@pytest.mark.parametrize("place", ["command", "ini"])
def test_the_command_line_beats_the_ini_file(pytester: pytest.Pytester, place: str) -> None:
    _write(pytester, "target.json", {"name": "of-a-file", "command": ["cat"]})
    lines = {"command": f"stdiobus_worker = {ECHO}", "ini": "stdiobus_target = target.json"}
    _ini(pytester, lines[place])
    flag = {"command": "--stdiobus-target=target.json", "ini": f"--stdiobus-worker={ECHO}"}[place]
    result = pytester.runpytest(flag, "--collect-only", ONE)
    result.stdout.fnmatch_lines([f"stdiobus: judging {'of-a-file' if place == 'command' else 'echo.py'} | *"])


def _ini(pytester: pytest.Pytester, *lines: str) -> None:
    pytester.makefile(".ini", pytest="\n".join(["[pytest]", "asyncio_default_fixture_loop_scope = function", *lines]))


def _write(pytester: pytest.Pytester, name: str, value: Any) -> None:
    (pytester.path / name).write_text(json.dumps(value), encoding="utf-8")
