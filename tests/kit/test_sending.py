"""How a case's bytes become lines of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.case import steps
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.seat import send
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.result import CaseResult, Outcome

from .conftest import ANSWERED, ASK, case

if TYPE_CHECKING:
    from collections.abc import Callable

    Play = Callable[..., CaseResult]


def raw(*pieces: str) -> list[dict[str, Any]]:
    return [{"client": "kit", "send": {"raw": piece}} for piece in pieces]


def sent(result: CaseResult) -> list[bytes]:
    assert result.history is not None
    return [event.data for event in result.history.lines(direction="in")]


def directions(result: CaseResult) -> list[str]:
    assert result.history is not None
    return [event.dir for event in result.history.of_kind("line")]


REQUEST = '{"jsonrpc":"2.0","id":1,"method":"m"}'


def test_a_split_line_stands_before_its_answer(play_case: Play) -> None:
    result = play_case("serve()", case({**ASK, "split": 4}, ANSWERED))
    assert result.outcome is Outcome.PASS, result.findings
    assert directions(result) == ["in", "out"]


def test_a_line_sent_by_several_steps_is_recorded_once_and_before_its_answer(play_case: Play) -> None:
    result = play_case("serve()", case(*raw(REQUEST[:9], REQUEST[9:], "\n"), ANSWERED))
    assert result.outcome is Outcome.PASS, result.findings
    assert sent(result) == [REQUEST.encode()]
    assert directions(result) == ["in", "out"]


def test_a_line_is_the_answers_of_the_step_that_ends_it(play_case: Play) -> None:
    ending = {**raw(REQUEST[20:] + "\n")[0], "as": "request"}
    answered = {**ANSWERED, "until": {**ANSWERED["until"], "id": {"$from": "request/id"}}}
    assert play_case("serve()", case(*raw(REQUEST[:20]), ending, answered)).outcome is Outcome.PASS


def test_a_last_line_without_its_lf_is_recorded_when_the_input_is_closed(play_case: Play) -> None:
    result = play_case("serve()", case(*raw(REQUEST), {"client": "kit", "half_close": True}, ANSWERED))
    assert result.outcome is Outcome.PASS, result.findings
    assert sent(result) == [REQUEST.encode()]
    assert result.history is not None
    assert [event.facts.get("terminated", True) for event in result.history.lines(direction="in")] == [False]


def test_a_last_line_without_its_lf_is_recorded_when_the_case_is_over(play_case: Play) -> None:
    result = play_case("serve()", case(ASK, ANSWERED, *raw("{")))
    assert sent(result)[1:] == [b"{"]


def test_nothing_at_all_can_be_sent(play_case: Play) -> None:
    result = play_case("serve()", case(*raw(""), ASK, ANSWERED))
    assert result.outcome is Outcome.PASS, result.findings


def test_sending_after_closing_is_the_cases_mistake(play_case: Play) -> None:
    result = play_case("serve()", case({"client": "kit", "half_close": True}, ASK, ANSWERED))
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "sends to client:kit after it has closed it" in result.findings[0].explanation


def test_sending_what_is_not_bound_is_the_cases_mistake(play_case: Play) -> None:
    result = play_case("serve()", case({"client": "kit", "send": {"id": 2, "method": {"$from": "answer/id"}}}))
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "answer/id: no step before it has 'answer'" in result.findings[0].explanation


def test_to_a_worker_that_its_kernel_has_killed_nothing_is_sent_and_the_case_goes_on() -> None:
    pump = Pump(History())
    channel = pump.add(Channel("worker:w/0#1"))
    channel.lose()
    (step,) = steps([{"worker": "got", "send": {"id": 1, "result": 0}}], "KRN-COR-01")
    told = send(channel, pump, step, step.value, 4)
    assert told is not None
    assert (told.kind, told.facts["error"], told.facts["step"]) == ("harness", "its process has ended", 4)
    assert list(pump.history.lines()) == []
