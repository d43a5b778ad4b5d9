"""``stdiobus-conformance worker``: verdicts on real workers, and what the terminal shows."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.cli import COMMANDS
from pytest_stdiobus.data import bundled_kernel, kernel_absence
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.report import model

from .conftest import ECHO, NOISY, ONE, Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.result import CaseResult

    Command = Callable[..., Said]
    Worker = Callable[[str], tuple[str, str]]
KNOWS_NOTHING = """
    import json, sys
    for line in sys.stdin:
        error = {"code": -32601, "message": "unknown"}
        print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "error": error}), flush=True)
"""
LONG = 60.0  # seconds that nothing here takes, even on a busy machine


def test_a_worker_that_keeps_the_rules_of_a_selection_ends_with_0(command: Command) -> None:
    said = command("worker", "-k", ONE, "--", sys.executable, ECHO)
    assert said.status == 0
    assert "requests 1/1" in said.out
    assert "\npartial\nexit 0\n" in said.out


def test_a_failure_shows_rule_evidence_hint_and_what_to_do_next(command: Command, worker: Worker) -> None:
    said = command("worker", "-k", ONE, "--", *worker(NOISY))
    assert said.status == 1
    for part in (
        "FAIL WRK-01 (stdio Bus workers registry, README, NDJSON Protocol",
        "Every line on stdout is one complete JSON object",
        "https://github.com/stdiobus/workers-registry",
        "I am ready is not JSON",
        " kit -> worker  {",
        "worker -> kit  I am ready",
        "stderr: got a line",
        "try: Write logs to stderr.",
        "more: stdiobus-conformance explain WRK-01",
        f"again: stdiobus-conformance replay 'WRK-01/{ONE}'",
        "not conformant\n     contradicts a public rule: WRK-01\nexit 1",
    ):
        assert part in said.out, part


@pytest.mark.parametrize("subject", ["worker", "kernel"])
def test_what_does_not_start_is_not_judged(command: Command, worker: Worker, subject: str) -> None:
    said = command(subject, "--", *worker("raise SystemExit('no model here')"))
    assert said.status == 2
    assert "does not start: it exits with 1 before anything is asked of it" in said.err
    assert "no model here" in said.err
    assert said.out == ""


def test_what_ends_at_the_first_message_is_judged(command: Command, worker: Worker) -> None:
    said = command("worker", "-k", ONE, "--", *worker("import sys; input(); sys.exit(1)"))
    assert "not conformant" in said.out


def test_a_failure_is_told_while_the_run_goes_on(command: Command, worker: Worker) -> None:
    said = command("worker", "-k", ONE, "--", *worker(NOISY))
    assert f"fail WRK-01 in worker/requests/{ONE}: I am ready is not JSON" in said.err


def test_the_report_is_written_as_json(command: Command, worker: Worker, tmp_path: Path) -> None:
    command("worker", "-k", ONE, "--report", "report.json", "--", *worker(NOISY))
    report = model.read(tmp_path / "report.json")
    assert report["verdict"]["word"] == "not conformant"
    assert report["target"]["name"] == "agent.py"


@pytest.mark.parametrize(("code", "status"), [(NOISY, 1), (NOISY.replace('print("I am ready")', "pass"), 4)])
def test_a_verdict_is_told_also_where_a_report_cannot_be_written(
    command: Command, worker: Worker, tmp_path: Path, code: str, status: int
) -> None:
    (tmp_path / "r.json").mkdir()
    said = command("worker", "-k", ONE, "--report", "r.json", "--report", "r.md", "--", *worker(code))
    assert said.status == status
    assert "partial" in said.out or "not conformant" in said.out
    assert said.err.endswith("--report r.json: cannot be written: Is a directory\n")
    assert (tmp_path / "r.md").is_file()


def test_what_was_found_before_the_system_refused_to_go_on_is_told(
    command: Command, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Runner.run_case

    def run_case(runner: Runner, case: Case) -> CaseResult:
        if not case.id.endswith(ONE):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return really(runner, case)

    monkeypatch.setattr(Runner, "run_case", run_case)
    said = command("worker", "-k", f"{ONE} or id-comes-back[zero]", "--", *worker(NOISY))
    assert said.status == 1
    assert "FAIL WRK-01" in said.out
    assert "stopped after 1 of 2 cases: [Errno 28] No space left on device" in said.out


def test_the_command_of_a_report_does_it_again(command: Command, worker: Worker, tmp_path: Path) -> None:
    command("worker", "-k", ONE, "--cwd", ".", "--report", "report.json", "--", *worker(NOISY))
    again = model.read(tmp_path / "report.json")["failures"][0]["again"]
    script = f"{sys.executable} -c 'import sys; from pytest_stdiobus.cli import main; sys.exit(main())'"
    shell = again.replace("stdiobus-conformance", script, 1)
    done = subprocess.run(shell, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=LONG, check=False)  # noqa: S602
    assert done.returncode == 1, done.stderr
    assert "FAIL WRK-01" in done.stdout


def test_a_target_file_names_the_worker(command: Command, worker: Worker, tmp_path: Path) -> None:
    data = {"name": "my agent", "version": "2.1", "command": list(worker(NOISY))}
    (tmp_path / "target.json").write_text(json.dumps(data), encoding="utf-8")
    said = command("worker", "-k", ONE, "--target", "target.json")
    assert said.out.startswith("my agent 2.1   ")
    assert said.status == 1


def test_somebody_elses_worker_is_called_so(command: Command) -> None:
    said = command("worker", "-k", ONE, "--foreign", "--", sys.executable, ECHO)
    assert "This is not the project's own test-suite." in said.out


def test_what_differs_between_repeats_is_flaky(command: Command, worker: Worker, tmp_path: Path) -> None:
    flaky = NOISY.replace("import json, sys", f"import json, os, sys; mark = {str(tmp_path / 'mark')!r}").replace(
        'print("I am ready")', 'os.path.exists(mark) or print("I am ready"); open(mark, "w").close()'
    )
    said = command("worker", "-k", ONE, "--repeat", 2, "--", *worker(flaky))
    assert "FLAKY WRK-01" in said.out
    assert "it failed in 1 of 2 runs" in said.out


def test_a_case_of_ones_own_is_played_too(command: Command, tmp_path: Path) -> None:
    ask = {"client": "kit", "send": {"jsonrpc": "2.0", "id": 7, "method": "echo"}}
    case = {"id": "worker/mine/seven", "title": "Seven comes back", "requirements": ["WRK-03"], "subject": "worker"}
    steps = [ask, {"client": "kit", "until": {"id": 8}, "before": {"type": "object"}}]
    (tmp_path / "mine.stdiobus.json").write_text(json.dumps({**case, "steps": steps}), encoding="utf-8")
    options = ("--cases", "mine.stdiobus.json", "-k", "mine", "--time-scale", 0.1)
    said = command("worker", *options, "--", sys.executable, ECHO)
    assert "mine 0/1" in said.out
    assert "in worker/mine/seven" in said.out
    assert command("replay", "WRK-03/seven").status == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("worker",), "name one worker: a command after --"),
        (("worker", "--", "no-such-program"), "there is no program 'no-such-program': looked in PATH"),
        (("worker", "python", "agent.py"), "the command stands after --"),
        (("worker", "--profile", "xyz", "--", "cat"), "'xyz' is not a profile; use "),
        (("worker", "-k", "and", "--", "cat"), "-k 'and': expected a part of an id, got 'and'"),
        (("worker", "-k", "nosuchcase", "--", "cat"), "has an id with 'nosuchcase'"),
        (("worker", "--repeat", "0", "--", "cat"), "argument --repeat: expected a whole number from 1, got '0'"),
        (("worker", "--time-scale", "0", "--", "cat"), "argument --time-scale: expected a number above 0, got '0'"),
        (("worker", "--cwd", "nowhere", "--", "cat"), "--cwd nowhere: there is no such folder"),
        (
            ("worker", "--report", "r.pdf", "--", "cat"),
            "--report r.pdf: expected a file ending in .json, .md, .html, .xml",
        ),
        (("worker", "--report", "no/r.json", "--", "cat"), "there is no folder"),
        (("worker", "--target", "gone.json"), "gone.json: cannot be read"),
        (
            ("worker", "--known-failures", "bad.json", "--", "cat"),
            "bad.json: $.known_failures[0]: 'reason' is a required",
        ),
        (("worker", "--cases", "bad.json", "--", "cat"), "bad.json: $: "),
        (("worker", "--target", "misspelt.json"), "misspelt.json: $: expected a command, or the library of a kernel"),
        (("worker", "--reprot", "r.html"), "'--reprot r.html' is not an option; did you mean --report?"),
        (("worker", "--qqq", "--", "cat"), "is not an option; stdiobus-conformance worker --help shows them"),
        (("worker", "--", "./bad.json"), "'./bad.json' is not executable: chmod +x "),
        (("worker", "--", "bad.json"), "there is no program 'bad.json': looked in PATH; did you mean ./bad.json?"),
        (("kernel", "--binary", "./bad.json"), "'./bad.json' is not executable: chmod +x "),
        (("kernel", "--max-examples", "-1"), "argument --max-examples: expected a whole number from 0, got '-1'"),
        (("sdk",), "name one adapter: a command after --, as in: stdiobus-conformance sdk -- node adapter.js"),
        (("adapter", "lint"), "as in: stdiobus-conformance adapter lint -- node adapter.js"),
        (("adapter", "smoke", "--time-scale", "0"), "argument --time-scale: expected a number above 0, got '0'"),
        (("judge", "gone.ndjson"), "gone.ndjson: cannot be read"),
        (("replay", "WRK-01/x"), "'WRK-01/x' is not one failure of .stdiobus/failures; kept there: none"),
    ],
    ids=lambda value: "-".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_told_before_anything_runs(
    command: Command, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "bad.json").write_text('{"known_failures": [{"requirement": "WRK-01"}]}', encoding="utf-8")
    (tmp_path / "misspelt.json").write_text('{"name": "mine", "comand": ["cat"]}', encoding="utf-8")
    said = command(*words)
    assert said.status == 2
    assert expected in said.err
    assert said.out == ""


def test_the_kits_own_mistake_has_a_status_of_its_own(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_stdiobus.commands.worker.play", lambda *_: 1 / 0)
    said = command("worker", "--", sys.executable, ECHO)
    assert said.status == 4
    assert "a mistake of the kit" in said.err


def test_ctrl_c_ends_the_run_with_what_was_found(tmp_path: Path, worker: Worker) -> None:
    # A run in the background ignores the signal, and so would the command.
    heed = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = [sys.executable, "-c", f"{heed}; from pytest_stdiobus.cli import main; sys.exit(main())"]
    words = ["worker", "--", *worker(NOISY)]
    with subprocess.Popen([*program, *words], cwd=tmp_path, stdout=-1, stderr=-1, text=True) as running:
        assert running.stderr is not None
        while "fail" not in running.stderr.readline():  # the first case is over
            assert running.poll() is None
        os.kill(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=LONG)
    assert running.returncode == 1
    assert "stopped after " in out
    assert "FAIL WRK-01" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "own", "of_another"),
    [
        (("adapter", "export"), "DIR", "--time-scale"),
        (("adapter", "lint"), "--time-scale", "DIR"),
        (("adapter", "smoke"), "--time-scale", "DIR"),
        (("baseline", "update"), "--reason", "prune"),
        (("baseline", "prune"), "--from", "--reason"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_help_of_an_action_shows_its_own_arguments(
    command: Command, words: tuple[str, ...], own: str, of_another: str
) -> None:
    said = command(*words, "--help")
    assert said.status == 0
    assert said.out.startswith(f"usage: stdiobus-conformance {' '.join(words)} ")
    assert own in said.out
    assert of_another not in said.out


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_help_shows_examples(command: Command, words: tuple[str, ...]) -> None:
    said = command(*words, "--help")
    assert said.status == 0
    assert "example" in said.out
    assert f"  stdiobus-conformance {' '.join(words)}" in said.out


AGENT = ECHO.with_name("acp_agent.py")


def test_the_number_of_prompts_is_told_before_the_first(command: Command) -> None:
    words = ("worker", "--profile", "acp", "--prompt", "say hi", "-k", "worker/acp/prompt-again")
    said = command(*words, "--", sys.executable, AGENT)
    assert said.err.startswith("will send at most 2 prompts; side effects are your agent's. Ctrl-C stops it.\n")
    assert said.status == 0


def test_the_prompt_of_the_command_line_is_sent(command: Command, worker: Worker) -> None:
    code = """
        import json, sys
        for line in sys.stdin:
            message = json.loads(line)
            sys.stderr.write(line)
            result = {"sessionId": "s", "protocolVersion": 1}
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
    """
    words = ("worker", "--profile", "acp", "--prompt", "a peculiar prompt", "-k", "worker/acp/prompt")
    said = command(*words, "--", *worker(code))
    assert "a peculiar prompt" in said.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--prompt", "hi"), "--prompt is for --profile acp"),
        (("--call", "x={}"), "--call is for --profile mcp"),
        (("--profile", "mcp", "--call", "read_file"), "--call read_file: expected NAME={...}"),
        (("--profile", "mcp", "--call", "read_file=[]"), "--call read_file=[]: expected NAME={...}"),
    ],
)
def test_a_call_that_cannot_be_made_is_told(command: Command, words: tuple[str, ...], expected: str) -> None:
    said = command("worker", *words, "--", sys.executable, ECHO)
    assert said.status == 2
    assert expected in said.err


def test_a_rule_of_the_bus_only_informs_about_an_agent_of_another_protocol(command: Command, worker: Worker) -> None:
    said = command("worker", "--profile", "acp", "-k", ONE, "--", *worker(NOISY))
    assert "info WRK-01" in said.out


def test_a_case_that_was_not_played_is_told_with_what_it_needs(command: Command) -> None:
    said = command("worker", "-k", f"{ONE} or request-inside", "--", sys.executable, ECHO)
    assert "1 case not applicable: it needs a call to make: give the target a file with probes.stream" in said.out


@pytest.mark.parametrize(
    ("case", "told"),
    [("on-a-known-method", "not observed: WRK-05"), ("on-a-notification", "untestable: WRK-05 (must): WRK-03 failed")],
)
def test_a_worker_that_does_the_same_without_the_members_is_not_accused_of_minding_them(
    command: Command, worker: Worker, case: str, told: str
) -> None:
    said = command("worker", "-k", case, "--", *worker(KNOWS_NOTHING))
    assert told in said.out
    assert "warn" not in said.out


@pytest.fixture
def kernel() -> None:
    if bundled_kernel() is None:
        pytest.skip(kernel_absence())


@pytest.mark.usefixtures("kernel")
def test_a_worker_is_judged_through_a_bus_too(command: Command, tmp_path: Path) -> None:
    options = ("--through-bus", "-k", ONE, "--report", "r.json", "--report", "r.md", "--report", "r.html")
    said = command("worker", *options, "--", sys.executable, ECHO)
    assert said.status == 0
    assert "\non the bus: directly (1/1 cases)\n" in said.out
    bus = model.read(tmp_path / "r.json")["bus"]
    assert bus is not None
    assert (bus["how"], bus["blame"]) == ("directly", {})
    for face in ("r.md", "r.html"):
        assert "directly" in (tmp_path / face).read_text(encoding="utf-8")


@pytest.mark.usefixtures("kernel")
def test_it_is_told_who_is_at_fault_behind_a_bus(command: Command, worker: Worker) -> None:
    said = command("worker", "--through-bus", "-k", ONE, "--", *worker(NOISY))
    assert said.status == 1
    assert "at fault: WRK-01 worker" in said.out


@pytest.mark.usefixtures("kernel")
def test_nothing_is_said_of_a_bus_behind_which_no_case_can_be_played(command: Command, tmp_path: Path) -> None:
    options = "--through-bus", "-k", "bad-line[blank]", "--report", "r.json"
    said = command("worker", *options, "--", sys.executable, ECHO)
    assert "\non the bus: not known (0/0 cases)\n" in said.out
    assert "envelope strip" not in said.err
    assert said.status == 0
    assert model.read(tmp_path / "r.json")["bus"]


def test_a_kernel_that_cannot_be_run_is_our_failure_and_says_nothing_of_the_bus(
    command: Command, tmp_path: Path
) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"no program\n")
    kernel.chmod(0o755)
    said = command("worker", "--through-bus", kernel, "-k", ONE, "--report", "r.json", "--", sys.executable, ECHO)
    assert "\non the bus: not known (0/1 cases)\n" in said.out
    assert "the kit failed in 1 of the cases behind the bus" in said.out
    assert "envelope strip" not in said.err
    assert said.status == 4
    bus = model.read(tmp_path / "r.json")["bus"]
    assert bus is not None
    assert [failure["outcome"] for failure in bus["failures"]] == ["harness_error"]


def test_a_kernel_that_is_not_there_is_told(command: Command) -> None:
    said = command("worker", "--through-bus", "no-such-kernel", "--", sys.executable, ECHO)
    assert said.status == 2
    assert "there is no program 'no-such-kernel'" in said.err
