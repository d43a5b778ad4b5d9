"""The report says what the results say, is valid, and gives no secret away."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.errors import DataError
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import SILENT, CaseResult, Finding, Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target, from_command
from pytest_stdiobus.kit.verdict import Rules
from pytest_stdiobus.report import model
from pytest_stdiobus.report.build import build
from pytest_stdiobus.report.results import from_json, to_json
from pytest_stdiobus.report.run import Run

from .conftest import DATE, a_history, a_result

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., model.Report]

ECHO = Path(__file__).resolve().parents[2] / "workers" / "echo.py"


def test_the_report_of_a_real_run_is_valid() -> None:
    target = from_command([sys.executable, str(ECHO)])
    with Runner(target, Options(select="sigterm-when-idle")) as runner:
        report = build(list(runner.run()), Run(target, runner.options, Rules(partial=True)))
    assert schemas.faults(report, schemas.schema("report")) == []
    assert report["verdict"] == {"word": "partial", "reasons": [], "exit": 0}
    assert report["counts"]["cases"]["pass"] == 1
    assert str(ECHO) in [file["path"] for file in report["target"]["files"]]


@pytest.mark.skipif(
    not os.path.isfile("/proc/self/mem"), reason="this system has no file that nobody can read from its start"
)
def test_a_file_of_the_command_that_cannot_be_read_is_left_out(report: Make) -> None:
    made = report(a_result(), target=Target("agent", ("agent", "/proc/self/mem", str(ECHO))))
    assert [file["path"] for file in made["target"]["files"]] == [str(ECHO)]


def test_a_report_comes_back_from_its_file(report: Make, tmp_path: Path) -> None:
    made = report(a_result(), a_result(Outcome.PASS, case="worker/test/two"))
    model.write(made, tmp_path / "report.json")
    assert model.read(tmp_path / "report.json") == made


def test_a_file_that_is_no_report_is_refused_with_its_faults(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"format": 2}', encoding="utf-8")
    with pytest.raises(DataError, match=r"report\.json: \$\.format: 1 was expected"):
        model.read(tmp_path / "report.json")


def test_a_failure_shows_who_said_what_when(report: Make) -> None:
    (failure,) = report(a_result())["failures"]
    assert [(entry["ms"], entry["from"], entry["to"], entry["marked"]) for entry in failure["transcript"]] == [
        (0.0, "kit", "worker", False),
        (1.5, "worker", "kit", True),
        (4.5, "worker", "", False),
    ]
    assert failure["explanation"] == "the id is a text"


def test_the_end_of_a_scripted_worker_is_told_as_the_workers(report: Make) -> None:
    history = a_history()
    history.add("worker:w/0#0", "signal", exit=3, step=2)
    history.add("worker:w/0#0", "exit", pid=7)
    entries = report(a_result(history=history))["failures"][0]["transcript"][-2:]
    assert [(entry["from"], entry["to"], entry["text"]) for entry in entries] == [
        ("kit", "worker:w/0#0", "lets it exit with status 3"),
        ("worker:w/0#0", "", "ended"),
    ]


def test_a_requirement_carries_its_rule_and_its_cases(report: Make) -> None:
    made = report(a_result(), a_result(Outcome.PASS, case="worker/test/two"))
    (row,) = made["requirements"]
    assert (row["id"], row["outcome"], row["effect"], row["reason"]) == (
        "WRK-03",
        "fail",
        "failure",
        "the id is a text",
    )
    assert {found["case"]: found["outcome"] for found in row["findings"]} == {
        "worker/test/one": "fail",
        "worker/test/two": "pass",
    }


def test_every_outcome_is_counted(report: Make) -> None:
    results = [a_result(outcome, case=f"worker/test/{outcome.value}") for outcome in Outcome]
    assert report(*results)["counts"]["cases"] == dict.fromkeys([outcome.value for outcome in Outcome], 1)


def test_a_complete_run_also_lists_what_nobody_exercised(report: Make) -> None:
    made = report(a_result(Outcome.PASS), rules=Rules())
    nobody = next(row for row in made["requirements"] if row["id"] == "WRK-08")
    assert (nobody["outcome"], nobody["reason"]) == ("not_observed", "no case of this run exercised it")
    assert made["verdict"]["word"] == "incomplete"
    assert made["verdict"]["exit"] == 3


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.PASS, 0), (Outcome.FAIL, 1), (Outcome.FLAKY, 1), (Outcome.HARNESS_ERROR, 4)],
)
def test_the_status_follows_the_gravest_outcome(report: Make, outcome: Outcome, status: int) -> None:
    assert report(a_result(outcome))["verdict"]["exit"] == status


@pytest.mark.parametrize("outcome", sorted(SILENT))
def test_a_run_that_decided_nothing_is_not_green_whatever_was_observed(report: Make, outcome: Outcome) -> None:
    verdict = report(a_result(outcome))["verdict"]
    assert (verdict["reasons"][-1], verdict["exit"]) == ("nothing was decided: no case passed or failed", 3)


@pytest.mark.parametrize(
    ("rule", "lax", "strict"),
    [
        ("M doc", "contradicts a public rule", "contradicts a public rule"),
        ("S doc", "warning", "contradicts a public rule"),
        ("M kit", "warning", "differs from a choice of this kit"),
        ("S kit", "warning", "warning"),
        ("Y doc", "information", "information"),
    ],
)
def test_a_failure_weighs_what_its_rule_weighs(
    report: Make, rewrite: Callable[..., None], rule: str, lax: str, strict: str
) -> None:
    level, basis = rule.split()
    rewrite("WRK-03", level=level, basis=basis)
    for is_strict, expected in ((False, lax), (True, strict)):
        verdict = report(a_result(), rules=Rules(partial=True, strict=is_strict))["verdict"]
        assert verdict["reasons"] == [f"{expected}: WRK-03"]
        assert verdict["exit"] == (1 if expected[0] in "cd" else 0)


def test_values_of_secret_variables_are_masked_everywhere(report: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_API_KEY", 'sk-"quoted"')
    target = Target(
        "agent", ("agent", "--token", "t-given", "--password=p-given", 'sk-"quoted"'), env={"MY_SECRET": "s-given"}
    )
    history = a_history(json.dumps({"error": 'sk-"quoted"'}).encode(), stderr=b"using s-given\n")
    text = json.dumps(report(a_result(explanation="it said s-given", history=history), target=target))
    assert "[MODEL_API_KEY]" in text
    assert "[MY_SECRET]" in text
    for secret in ("quoted", "t-given", "p-given", "s-given"):
        assert secret not in text, secret


def test_a_long_line_is_shortened_and_its_ends_are_shown(report: Make) -> None:
    (failure,) = report(a_result(history=a_history(b"a" * 50_000 + b"end")))["failures"]
    text = failure["transcript"][1]["text"]
    assert text.startswith("aaa")
    assert text.endswith("end")
    assert "50003 characters" in text
    assert len(text) < 500


def test_what_a_terminal_would_act_on_is_escaped(report: Make) -> None:
    (failure,) = report(a_result(history=a_history("\x1b[2J\u202e".encode(), stderr=b"\x07\xff\n")))["failures"]
    assert failure["transcript"][1]["text"] == "\\x1b[2J\\u202e"
    assert failure["stderr"] == ["\\x07\\xff"]


def test_a_long_transcript_keeps_its_ends_and_what_the_finding_points_at(report: Make) -> None:
    history = History()
    for number in range(500):
        history.add("client:kit", "line", dir="out", data=str(number).encode())
    result = CaseResult(a_result().case, (Finding("WRK-03", Outcome.FAIL, "why", (250,)),), history)
    (failure,) = report(result)["failures"]
    texts = [entry["text"] for entry in failure["transcript"]]
    assert {"0", "250", "499"} <= set(texts)
    assert failure["cut"] == 500 - len(texts) > 0


def test_the_command_that_repeats_a_failure_can_be_pasted(report: Make) -> None:
    result = a_result(case="worker/test/one[a b]")
    (failure,) = report(result, target=Target("agent", ("/bin/my agent", "--fast")))["failures"]
    assert failure["again"] == (
        "stdiobus-conformance worker --profile bus -k 'worker/test/one[a b]' -- '/bin/my agent' --fast"
    )


def test_the_command_that_repeats_a_failure_has_the_options_that_it_was_played_with(report: Make) -> None:
    options = Options(seed=7, time_scale=2.0, kernel="/bin/kernel", image="mine")
    (failure,) = report(a_result(), options=options)["failures"]
    assert "--seed 7 --time-scale 2.0 --kernel /bin/kernel --image mine --" in failure["again"]


def test_a_breach_of_security_of_somebody_elses_stays_local(report: Make, rewrite: Callable[..., None]) -> None:
    rewrite("WRK-03", security=True)
    found = (Finding("WRK-03", Outcome.FAIL, "sent xyzzy"), Finding("WRK-06", Outcome.UNTESTABLE, "after xyzzy"))
    result = CaseResult(a_result().case, found, a_history(b"xyzzy", stderr=b"xyzzy"))
    assert json.dumps(report(result)).count("xyzzy") > 5
    foreign = report(result, foreign=True)
    assert "xyzzy" not in json.dumps(foreign)
    assert foreign["failures"][0]["explanation"].startswith("kept local")
    assert foreign["verdict"]["exit"] == 1


def test_a_result_travels_as_text() -> None:
    result = a_result(history=a_history(b"\xff\x00" + b"x" * 100_000, stderr=b"log"))
    arrived = from_json(to_json(result))
    assert (arrived.case, arrived.findings, arrived.duration_ms) == (result.case, result.findings, result.duration_ms)
    assert arrived.history is not None
    assert result.history is not None
    assert arrived.history.events == result.history.events
    assert to_json(arrived).isascii()


def test_the_history_of_a_case_that_passed_stays_behind() -> None:
    passed = from_json(to_json(a_result(Outcome.PASS)))
    assert passed.history is not None
    assert passed.history.events == []
    assert from_json(to_json(CaseResult(passed.case, passed.findings))).history is None


def test_a_real_result_that_travelled_makes_the_same_report() -> None:
    target = from_command([sys.executable, "-c", "print('noise')"])
    with Runner(target, Options(select="sigterm-when-idle")) as runner:
        results = list(runner.run())
    run = Run(target, runner.options, Rules(partial=True), date=DATE)
    assert build([from_json(to_json(result)) for result in results], run) == build(results, run)
