"""What every history of a worker is held to, and what no history may be accused of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariants
from pytest_stdiobus.kit.history import TARGET, History
from pytest_stdiobus.kit.result import Outcome

from .conftest import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.result import CaseResult

REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "m"}


def history(*lines: tuple[str, Any]) -> History:
    """``("in" | "out", message or bytes)`` as a history."""
    observed = History()
    for direction, content in lines:
        data = content if isinstance(content, bytes) else wire.encode(content)
        observed.add("client:kit", "line", dir=direction, data=data)
    return observed


def accused(observed: History) -> list[str]:
    return [finding.requirement for invariant in invariants("worker") for finding in invariant(observed)]


def test_a_log_written_as_json_on_stdout_is_no_message() -> None:
    assert accused(history(("out", {"level": "info", "msg": "started"}))) == ["WRK-02"]


def test_a_log_among_the_messages_is_not_held_against_the_answer(play_case: Callable[..., CaseResult]) -> None:
    result = play_case("send({'level': 'info'}); serve()")
    assert {finding.requirement: finding.outcome for finding in result.findings} == {
        "WRK-02": Outcome.FAIL,
        "WRK-03": Outcome.PASS,
    }


@pytest.mark.parametrize(
    "answer", [[{"jsonrpc": "2.0", "id": 1, "result": 0}], {"jsonrpc": "2.0", "id": 1, "result": 0}]
)
def test_a_batch_may_be_answered_by_an_array_or_one_by_one(answer: Any) -> None:
    assert accused(history(("in", [REQUEST]), ("out", answer))) == []


def test_an_array_that_answers_no_batch_is_not_allowed() -> None:
    assert accused(history(("in", REQUEST), ("out", []))) == ["WRK-01"]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(b"1", b"1.0"), (b"1e2", b"100"), (b"9007199254740993", b"9007199254740992"), (b'"\\u00e9"', '"é"'.encode())],
)
def test_an_id_may_be_spelled_in_another_way(asked: bytes, answered: bytes) -> None:
    request, answer = b'{"method":"m","id":%b}' % asked, b'{"result":0,"id":%b}' % answered
    assert accused(history(("in", request), ("out", answer))) == []


@pytest.mark.parametrize(("asked", "answered"), [(1, "1"), ("1", 1), (1, True), (1, 1.5), (0, None), ("a", "A")])
def test_an_id_of_another_type_or_value_answers_nothing(asked: Any, answered: Any) -> None:
    answer = {"jsonrpc": "2.0", "id": answered, "result": 0}
    assert accused(history(("in", {**REQUEST, "id": asked}), ("out", answer))) == ["WRK-03"]


def test_an_answer_that_comes_twice_is_one_too_many() -> None:
    answer = {"jsonrpc": "2.0", "id": 1, "result": 0}
    assert accused(history(("in", REQUEST), ("out", answer), ("out", answer))) == ["WRK-03"]


ERROR = {"error": {"code": -32600, "message": "invalid"}}


def test_what_is_no_request_may_be_refused_with_its_id() -> None:
    assert accused(history(("in", {"id": 7}), ("out", {"id": 7, **ERROR}))) == []
    assert accused(history(("in", {"id": 7}), ("out", {"id": 7, "result": 0}))) == ["WRK-03"]


@pytest.mark.parametrize("sent", [{"id": 7, "result": 0}, {"id": 7, "error": {}}])
def test_a_response_may_not_be_answered(sent: Any) -> None:
    assert accused(history(("in", sent), ("out", {"id": 7, **ERROR}))) == ["WRK-16"]
    assert accused(history(("in", sent), ("out", {"id": 7, "result": 0}))) == ["WRK-03"]


def test_a_line_this_kit_cannot_read_may_be_read_and_answered_by_others() -> None:
    lenient = b'\xef\xbb\xbf{"id":"odd","method":"m",}'
    assert accused(history(("in", lenient), ("out", {"id": "odd", "result": 0}))) == []


def ended(*before: str, log: bytes = b"", **how: Any) -> History:
    observed = History()
    if log:
        observed.add(TARGET, "stderr", data=log)
    for kind in before:
        observed.add(TARGET, kind, signal="SIGTERM")
    observed.add(TARGET, "exit", data=wire.encode({"exit": how}), **how)
    return observed


def test_a_failure_without_a_reason_is_told() -> None:
    assert accused(ended(code=3)) == ["WRK-09"]


def test_a_reason_a_crash_a_clean_exit_and_an_end_that_was_asked_for_are_no_silent_failures() -> None:
    for observed in (ended(code=3, log=b"why"), ended(signal="SIGSEGV"), ended(code=0), ended("signal", code=143)):
        assert accused(observed) == []


def test_the_environment_of_a_case_is_added_and_may_differ_by_vector(play_case: Callable[..., CaseResult]) -> None:
    code = "assert os.environ['OF_THE_CASE'] == 'this row'; serve()"
    told = replace(plain(), env={"OF_THE_CASE": {"$from": "row/value"}}, row={"value": "this row"})
    assert play_case(code, told).outcome is Outcome.PASS


def test_an_environment_that_refers_to_nothing_is_nobodys_failure(play_case: Callable[..., CaseResult]) -> None:
    result = play_case("serve()", replace(plain(), env={"A": {"$from": "row/missing"}}))
    assert result.outcome is Outcome.HARNESS_ERROR


@pytest.mark.parametrize("half", [{"jsonrpc": "2.0", "id": 1}, {"jsonrpc": "2.0", "result": 1}])
def test_half_an_answer_is_none(half: Any) -> None:
    assert accused(history(("in", REQUEST), ("out", half))) == ["WRK-03"]
