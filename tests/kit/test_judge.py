"""What a history says of each requirement of its case."""

from __future__ import annotations

from typing import Any

from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.result import Finding, Outcome

from .conftest import ASK, case
from .histories import came, decided, history, sent

REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "m"}
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": 1}
NAMES = ("WRK-06", "WRK-03")


def reads(expected: Any, judges: str, **more: Any) -> dict[str, Any]:
    return {"client": "kit", "next": expected, "judges": judges, **more}


def findings(steps: list[dict[str, Any]], observed: History, names: tuple[str, ...] = NAMES) -> list[Finding]:
    played = case(*steps, requirements=names)
    return list(judge(played, played.steps, observed, "worker"))


def outcomes(found: list[Finding]) -> dict[str, Outcome]:
    assert len({finding.requirement for finding in found}) == len(found)
    return {finding.requirement: finding.outcome for finding in found}


def test_a_case_that_was_met_passes_every_requirement_that_a_step_judged() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1))
    steps = [ASK, reads({"id": 1}, "WRK-06")]
    assert outcomes(findings(steps, observed)) == {"WRK-06": Outcome.PASS, "WRK-03": Outcome.PASS}


def test_a_requirement_that_neither_a_step_nor_an_invariant_judges_was_not_observed() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1))
    found = findings([ASK, reads({"id": 1}, "WRK-06")], observed, ("WRK-06", "WRK-10"))
    assert outcomes(found) == {"WRK-06": Outcome.PASS, "WRK-10": Outcome.NOT_OBSERVED}


def test_what_was_met_before_a_failure_passes_and_what_was_still_to_come_is_untestable() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1), came({"method": "x"}), decided(2))
    steps = [ASK, reads({"id": 1}, "WRK-03"), reads({"id": 2}, "WRK-06"), reads({"id": 3}, "WRK-07")]
    found = findings(steps, observed, ("WRK-06", "WRK-03", "WRK-07"))
    assert outcomes(found) == {"WRK-06": Outcome.FAIL, "WRK-03": Outcome.PASS, "WRK-07": Outcome.UNTESTABLE}
    assert "WRK-06 failed before it" in found[-1].explanation


def test_a_requirement_that_a_later_step_judges_again_has_not_passed_yet() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1), came({"method": "x"}), decided(2))
    steps = [ASK, reads({"id": 1}, "WRK-03"), reads({"id": 2}, "WRK-06"), reads({"id": 3}, "WRK-03")]
    assert outcomes(findings(steps, observed)) == {"WRK-06": Outcome.FAIL, "WRK-03": Outcome.UNTESTABLE}


def test_what_was_met_before_an_assumption_that_was_not_passes() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1), decided(2))
    steps = [
        ASK,
        reads({"id": 1}, "WRK-03", **{"as": "answer"}),
        {"assume": {"distinct": ["answer/id", "answer/result"]}},
        reads({"id": 2}, "WRK-06"),
    ]
    assert outcomes(findings(steps, observed)) == {"WRK-03": Outcome.PASS, "WRK-06": Outcome.NOT_OBSERVED}


def test_what_a_shortened_wait_did_not_see_is_held_against_nobody() -> None:
    observed = history(sent(REQUEST), decided(1, shortened="three waits in vain"))
    steps = [ASK, reads({"id": 1}, "WRK-03"), reads({"id": 2}, "WRK-06")]
    assert outcomes(findings(steps, observed)) == {"WRK-03": Outcome.UNTESTABLE, "WRK-06": Outcome.UNTESTABLE}


def test_a_run_that_ended_before_a_step_is_the_kits_failure() -> None:
    found = findings([ASK, reads({"id": 1}, "WRK-03")], history(sent(REQUEST)), ("WRK-03",))
    assert outcomes(found) == {"WRK-03": Outcome.HARNESS_ERROR}


def test_what_an_invariant_saw_outweighs_what_the_steps_met() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1), came(ANSWER))
    found = findings([ASK, reads({"id": 1}, "WRK-06")], observed)
    assert outcomes(found) == {"WRK-06": Outcome.PASS, "WRK-03": Outcome.FAIL}


def test_a_message_that_nobody_read_is_not_held_against_a_worker() -> None:
    unread = [came({"jsonrpc": "2.0", "method": "log"}), came({"jsonrpc": "2.0", "id": "w1", "method": "ping"})]
    observed = history(sent(REQUEST), came(ANSWER), decided(1), *unread)
    found = findings([ASK, reads({"id": 1}, "WRK-06")], observed)
    assert outcomes(found) == {"WRK-06": Outcome.PASS, "WRK-03": Outcome.PASS}


def test_the_answer_to_a_request_that_the_case_left_open_may_come_at_the_end() -> None:
    late = sent({**REQUEST, "id": 2}), came({**ANSWER, "id": 2})
    observed = history(sent(REQUEST), came(ANSWER), decided(1), *late)
    found = findings([ASK, reads({"id": 1}, "WRK-06")], observed)
    assert outcomes(found) == {"WRK-06": Outcome.PASS, "WRK-03": Outcome.PASS}


def test_a_line_that_is_no_message_is_held_against_logging_though_nobody_read_it() -> None:
    observed = history(sent(REQUEST), came(ANSWER), decided(1), came({"level": "info", "msg": "done"}))
    found = findings([ASK, reads({"id": 1}, "WRK-06")], observed)
    assert outcomes(found)["WRK-02"] is Outcome.FAIL


def test_a_log_line_in_json_costs_its_own_requirement_only() -> None:
    log = came({"level": "info", "msg": "started"})
    observed = history(log, sent(REQUEST), came(ANSWER), decided(1))
    assert outcomes(findings([ASK, reads({"id": 1}, "WRK-03")], observed, ("WRK-03",))) == {
        "WRK-03": Outcome.PASS,
        "WRK-02": Outcome.FAIL,
    }


def test_an_object_with_an_id_that_answers_nothing_is_a_bad_answer() -> None:
    observed = history(sent(REQUEST), came({"jsonrpc": "2.0", "id": 1}), decided(1))
    found = findings([ASK, reads({"id": 1, "result": 1}, "WRK-03")], observed, ("WRK-03",))
    assert outcomes(found)["WRK-03"] is Outcome.FAIL


def test_a_recording_meets_the_invariants_alone() -> None:
    found = judge(None, (), history(sent(REQUEST), came(ANSWER), came(ANSWER)), "worker")
    assert outcomes(list(found)) == {"WRK-03": Outcome.FAIL}


def test_an_invariant_of_a_capability_that_is_not_declared_accuses_nobody(monkeypatch: Any) -> None:
    def always(_: History) -> list[Finding]:
        return [Finding("WRK-04", Outcome.FAIL, "always")]

    monkeypatch.setattr("pytest_stdiobus.kit.judge.invariants", lambda _: (always,))
    monkeypatch.setattr("pytest_stdiobus.kit.judge.held_always", lambda *_, **__: {"WRK-04"})
    assert outcomes(list(judge(None, (), history(), "worker"))) == {"WRK-04": Outcome.FAIL}
    assert judge(None, (), history(capabilities=[]), "worker") == ()
    assert judge(None, (), History(), "worker") == ()
