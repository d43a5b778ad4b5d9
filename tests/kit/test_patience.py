"""How long is waited, and when that is enough."""

from __future__ import annotations

from pytest_stdiobus.kit.patience import ANSWER, EXIT, MAX_BYTES, OUTPUT, Patience


def waits_in_vain(patience: Patience, count: int, what: str = ANSWER) -> None:
    for _ in range(count):
        patience.note(what, patience.wait(what), seen=False, in_vain=True)


def test_a_first_wait_is_a_full_one() -> None:
    assert not Patience().wait(ANSWER).shortened


def test_three_waits_in_vain_for_what_was_never_seen_are_enough() -> None:
    patience = Patience()
    waits_in_vain(patience, 2)
    assert not patience.wait(ANSWER).shortened
    waits_in_vain(patience, 1)
    assert patience.wait(ANSWER).seconds < Patience().wait(ANSWER).seconds
    assert "3 waits of 5 s for an answer had been in vain" in patience.wait(ANSWER).shortened


def test_what_has_been_seen_is_waited_for_more_often() -> None:
    patience = Patience()
    patience.note(ANSWER, patience.wait(ANSWER), seen=True, in_vain=False)
    waits_in_vain(patience, 11)
    assert not patience.wait(ANSWER).shortened
    waits_in_vain(patience, 1)
    assert patience.wait(ANSWER).shortened


def test_of_a_target_that_answers_each_requirement_is_waited_for_in_full_once() -> None:
    patience = Patience()
    waits_in_vain(patience, 3)
    assert patience.wait(ANSWER, "KRN-ERR-01 on tcp").shortened
    patience.note(ANSWER, patience.wait(ANSWER), seen=True, in_vain=False)
    waits_in_vain(patience, 9)
    first = patience.wait(ANSWER, "KRN-ERR-01 on tcp")
    assert not first.shortened
    patience.note(ANSWER, first, "KRN-ERR-01 on tcp", seen=True, in_vain=True)
    assert patience.wait(ANSWER, "KRN-ERR-01 on tcp").shortened
    assert not patience.wait(ANSWER, "KRN-ERR-01 on unix").shortened


def test_a_short_wait_in_vain_proves_nothing_more() -> None:
    patience = Patience()
    waits_in_vain(patience, 10)
    patience.note(ANSWER, patience.wait(ANSWER), seen=True, in_vain=False)
    assert not patience.wait(ANSWER).shortened


def test_one_kind_of_wait_costs_no_other() -> None:
    patience = Patience()
    waits_in_vain(patience, 5)
    assert not patience.wait(EXIT).shortened


def test_an_output_without_end_is_given_less_room_after_three() -> None:
    patience = Patience()
    for _ in range(3):
        assert patience.room().size == MAX_BYTES
        patience.note(OUTPUT, patience.room(), seen=False, in_vain=True)
    assert patience.room().size < MAX_BYTES
    assert patience.room().shortened
