"""Which lines a step reads, and when it is decided."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import steps
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET, History
from pytest_stdiobus.kit.walk import BROKEN, MET, NOT_MET, Reading, Walk

from .histories import came, history, sent

LOG, PING, ANSWER = {"method": "log"}, {"id": "p", "method": "ping"}, {"id": 1, "result": 1}
ANYTHING: dict[str, Any] = {}


def walk(observed: History, **more: Any) -> Walk:
    return Walk(observed, Bindings({"row": {"id": 1}}), messages_only=True, **more)


def read(step: dict[str, Any], observed: History, *, final: bool = False) -> Reading | None:
    return walk(observed).settle(steps([{"client": "kit", **step}], "WRK-03")[0], len(observed.events), final=final)


def closed(observed: History) -> History:
    observed.add("client:kit", "eof", dir="out")
    return observed


@pytest.mark.parametrize(
    ("step", "lines", "outcome"),
    [
        ({"next": {"id": 1}}, [ANSWER], MET),
        ({"next": {"id": 1}}, [LOG, ANSWER], BROKEN),
        ({"find": {"id": 1}}, [LOG, ANSWER], MET),
        ({"until": {"id": 1}}, [ANSWER], MET),
        ({"until": {"id": 1}}, [LOG, ANSWER], BROKEN),
        ({"until": {"id": 1}, "before": {"required": ["method"]}}, [LOG, PING, ANSWER], MET),
        ({"until": {"id": 1}, "before": {"required": ["id"]}}, [LOG, ANSWER], BROKEN),
        ({"take": 2, "all": {"contains": {"const": LOG}}}, [ANSWER, LOG], MET),
        ({"take": 2, "all": {"contains": {"const": PING}}}, [ANSWER, LOG], BROKEN),
        ({"take": {"$from": "row/id"}, "all": {}}, [ANSWER], MET),
        ({"until": {"id": {"$from": "row/id"}}}, [ANSWER], MET),
    ],
)
def test_a_step_is_decided_by_the_lines_that_have_come(step: Any, lines: list[Any], outcome: str) -> None:
    reading = read(step, history(*map(came, lines)))
    assert reading is not None
    assert reading.outcome == outcome, reading.why
    assert bool(reading.why) is (outcome == BROKEN)


@pytest.mark.parametrize(
    ("step", "lines"),
    [
        ({"next": {"id": 1}}, []),
        ({"find": {"id": 1}}, [LOG]),
        ({"until": {"id": 1}, "before": ANYTHING}, [LOG]),
        ({"take": 2, "all": ANYTHING}, [LOG]),
    ],
)
def test_a_step_is_open_until_something_decides_it(step: Any, lines: list[Any]) -> None:
    observed = history(*map(came, lines))
    assert read(step, observed) is None
    in_vain = read(step, observed, final=True)
    assert in_vain is not None
    assert in_vain.in_vain
    ended = read(step, closed(observed))
    assert ended is not None
    assert "it has closed its output" in ended.why


def test_the_end_of_the_output_may_be_allowed() -> None:
    reading = read({"next": {"id": 1}, "or_eof": True}, closed(history()))
    assert reading is not None
    assert reading.outcome == MET


def test_what_was_read_is_not_read_again_and_what_was_passed_over_stays() -> None:
    observed = history(*map(came, [LOG, PING, ANSWER]))
    walking = walk(observed)
    played = steps(
        [{"client": "kit", "find": {"id": 1}}, {"client": "kit", "next": LOG}, {"client": "kit", "next": PING}], "W"
    )
    readings = [walking.settle(step, len(observed.events)) for step in played]
    assert [reading and reading.outcome for reading in readings] == [MET, MET, MET]


def test_a_step_sees_only_what_had_come_when_it_was_decided() -> None:
    observed = history(came(ANSWER))
    step = steps([{"client": "kit", "next": {"id": 1}}], "WRK-03")[0]
    assert walk(observed).settle(step, 0) is None


def test_what_was_sent_and_what_is_no_message_is_not_read() -> None:
    reading = read({"next": {"id": 1}}, history(sent({"id": 1}), came(b"noise"), came({"level": "info"}), came(ANSWER)))
    assert reading is not None
    assert reading.outcome == MET


def test_an_exit_is_read_from_the_process() -> None:
    observed = history()
    observed.add(TARGET, "exit", data=b'{"exit":{"code":0}}', code=0)
    step = steps([{"target": "process", "next": {"exit": {"code": 0}}}], "WRK-08")[0]
    reading = walk(observed).settle(step, 1)
    assert reading is not None
    assert reading.outcome == MET


def test_a_name_stands_for_what_its_step_read() -> None:
    observed = history(came({"id": 1, "result": {"session": "s"}}))
    walking = walk(observed)
    walking.settle(steps([{"client": "kit", "next": {"id": 1}, "as": "opened"}], "W")[0], 1)
    assert walking.bindings.look_up("opened/result/session") == "s"


@pytest.mark.parametrize(("other", "outcome"), [("b", MET), ("a", NOT_MET)])
def test_an_assumption_is_held_against_nobody(other: str, outcome: str) -> None:
    observed = history(came({"id": "a"}), came({"id": other}))
    walking = walk(observed)
    for name in ("one", "two"):
        walking.settle(steps([{"client": "kit", "next": {"$schema": {}}, "as": name}], "W")[0], 2)
    reading = walking.settle(steps([{"assume": {"distinct": ["one/id", "two/id"]}}], "W")[0], 2)
    assert reading is not None
    assert reading.outcome == outcome


@pytest.mark.parametrize(
    ("limits", "scale", "outcome"),
    [
        ({"max_ms": 5}, 1, MET),
        ({"max_ms": 0.5}, 1, BROKEN),
        ({"max_ms": 0.5}, 4, MET),
        ({"min_ms": 1}, 1, MET),
        ({"min_ms": 5}, 1, BROKEN),
    ],
)
def test_time_is_judged_from_what_was_recorded(limits: dict[str, float], scale: float, outcome: str) -> None:
    walking = walk(history(came({"id": 1}), came({"id": 2}), time_scale=scale))
    for name, number in (("one", 1), ("two", 2)):
        walking.settle(steps([{"client": "kit", "next": {"id": number}, "as": name}], "W")[0], 2)
    reading = walking.settle(steps([{"elapsed": {"from": "one", "to": "two", **limits}}], "W")[0], 2)
    assert reading is not None
    assert reading.outcome == outcome


@pytest.mark.parametrize(("lost_ms", "outcome"), [(1, NOT_MET), (0.2, BROKEN)])
def test_time_in_which_the_kit_did_not_run_is_held_against_nobody(lost_ms: float, outcome: str) -> None:
    late = ("kit", "late", "", b"", {"ms": lost_ms})
    walking = walk(history(came({"id": 1}), late, came({"id": 2})))
    for name, number in (("one", 1), ("two", 2)):
        walking.settle(steps([{"client": "kit", "next": {"id": number}, "as": name}], "W")[0], 3)
    reading = walking.settle(steps([{"elapsed": {"from": "one", "to": "two", "max_ms": 1.5}}], "W")[0], 3)
    assert reading is not None
    assert reading.outcome == outcome


def test_a_reference_to_nothing_is_the_cases_mistake() -> None:
    with pytest.raises(HarnessError, match="the case refers to what is not there: never/id: no step before it has"):
        read({"next": {"id": {"$from": "never/id"}}}, history(came(ANSWER)))


def test_what_was_expected_and_what_came_is_told_in_words() -> None:
    answer = {"$ref": "urn:pytest-stdiobus:message#/$defs/answer"}
    reading = read({"find": {"id": 1, "$schema": answer}}, history(came(LOG)), final=True)
    assert reading is not None
    assert reading.why == 'expected a response with {"id": 1}, but nothing came in time; what came: {"method":"log"}'
    reading = read({"until": {"id": 1}, "before": answer}, history(came(LOG)))
    assert reading is not None
    assert reading.why.endswith("/id is missing; before that only a response may come")


def test_an_output_that_was_to_end_ends_without_another_line() -> None:
    assert read({"ends": True}, history()) is None
    in_vain = read({"ends": True}, history(), final=True)
    assert in_vain is not None
    assert (in_vain.outcome, in_vain.in_vain) == (BROKEN, True)
    ended = read({"ends": True}, closed(history()))
    assert ended is not None
    assert ended.outcome == MET
    more = read({"ends": True}, closed(history(came(LOG))))
    assert more is not None
    assert more.outcome == BROKEN
    assert '"log"' in more.why


@pytest.mark.parametrize(
    ("expected", "outcome"), [({"id": 1}, MET), ({"id": {"$from": "row/id"}}, MET), ({"id": 2}, BROKEN)]
)
def test_a_line_that_was_read_can_be_held_against_more(expected: Any, outcome: str) -> None:
    walked, observed = (
        steps([{"client": "kit", "next": {"id": 1}, "as": "a"}, {"line": "a", "is": expected}], "WRK-03"),
        history(came(ANSWER)),
    )
    walking = walk(observed)
    walking.settle(walked[0], 1)
    reading = walking.settle(walked[1], 1)
    assert reading is not None
    assert (reading.outcome, bool(reading.why)) == (outcome, outcome == BROKEN)


@pytest.mark.parametrize(("names", "outcome"), [(["a/id", "b/id"], MET), (["a/id", "a/id"], BROKEN)])
def test_lines_that_must_differ_do_or_fail(names: list[str], outcome: str) -> None:
    walked = steps(
        [{"client": "kit", "next": ANSWER, "as": "a"}, {"client": "kit", "next": PING, "as": "b"}, {"distinct": names}],
        "WRK-03",
    )
    walking = walk(history(came(ANSWER), came(PING)))
    for step in walked[:2]:
        walking.settle(step, 2)
    reading = walking.settle(walked[2], 2)
    assert reading is not None
    assert (reading.outcome, bool(reading.why)) == (outcome, outcome == BROKEN)


def test_so_many_workers_of_a_pool_start_or_the_step_is_not_met() -> None:
    observed = History()
    observed.add("worker:w/0#1", "open")
    observed.add("worker:other/0#1", "open")
    (step,) = steps([{"pool": "w", "starts": 2}], "KRN-WRK-03")
    assert walk(observed).settle(step, 2) is None
    in_vain = walk(observed).settle(step, 2, final=True)
    assert in_vain is not None
    assert (in_vain.outcome, in_vain.in_vain) == (BROKEN, True)
    observed.add("worker:w/0#2", "open")
    met = walk(observed).settle(step, 3)
    assert met is not None
    assert met.outcome == MET
