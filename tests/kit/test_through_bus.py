"""A worker with a bus between it and the kit, and who is at fault where that makes a difference."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.data import bundled_kernel, data_dir
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.kit.through import Blame, compare, obstacle, on_the_bus

from .conftest import ANSWERED, ASK, case, plain
from .histories import came, decided, history, sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.kit.case import Case

KERNEL = bundled_kernel()
BUNDLED = pytest.mark.skipif(KERNEL is None, reason="installed without the bundled kernel")


def result(outcome: Outcome, name: str = "worker/test/a", requirement: str = "WRK-03") -> CaseResult:
    observed = None if outcome is Outcome.NOT_APPLICABLE else history()
    return CaseResult(case(name=name), (Finding(requirement, outcome),), observed)


@pytest.mark.parametrize(
    ("direct", "through", "blamed"),
    [
        (Outcome.PASS, Outcome.PASS, {}),
        (Outcome.FAIL, Outcome.PASS, {"WRK-03": Blame.WORKER}),
        (Outcome.FAIL, Outcome.FAIL, {"WRK-03": Blame.WORKER}),
        (Outcome.FAIL, Outcome.NOT_APPLICABLE, {"WRK-03": Blame.WORKER}),
        (Outcome.PASS, Outcome.FAIL, {"WRK-03": Blame.BUS}),
        (Outcome.PASS, Outcome.FLAKY, {"WRK-03": Blame.BUS}),
        (Outcome.UNTESTABLE, Outcome.FAIL, {}),
        (Outcome.NOT_APPLICABLE, Outcome.FAIL, {}),
        (Outcome.HARNESS_ERROR, Outcome.FAIL, {}),
    ],
)
def test_who_is_at_fault_in_one_case(direct: Outcome, through: Outcome, blamed: dict[str, Blame]) -> None:
    assert compare([result(direct)], [result(through)]) == blamed


def test_both_are_at_fault_where_each_breaks_a_requirement_in_a_case_of_its_own() -> None:
    direct = [result(Outcome.FAIL, "worker/test/a"), result(Outcome.PASS, "worker/test/b")]
    through = [result(Outcome.FAIL, "worker/test/a"), result(Outcome.FAIL, "worker/test/b")]
    assert compare(direct, through) == {"WRK-03": Blame.BOTH}


def test_a_rule_that_only_the_bus_breaks_is_its_own_also_where_no_step_judged_it_directly() -> None:
    assert compare([result(Outcome.PASS)], [result(Outcome.FAIL, requirement="WRK-01")]) == {"WRK-01": Blame.BUS}


@pytest.mark.parametrize(
    ("forward", "strip", "words"),
    [
        ([Outcome.PASS], [], "directly"),
        ([Outcome.FAIL], [Outcome.PASS], "with envelope strip"),
        ([Outcome.FAIL], [Outcome.FAIL], "not"),
        ([Outcome.FAIL], [], "not"),
        ([Outcome.FAIL], [Outcome.HARNESS_ERROR], "not known"),
        ([Outcome.PASS, Outcome.HARNESS_ERROR], [], "directly"),
        ([Outcome.NOT_APPLICABLE], [], "not known"),
        ([Outcome.HARNESS_ERROR], [], "not known"),
        ([Outcome.NOT_OBSERVED], [], "not known"),
        ([], [], "not known"),
    ],
)
def test_how_a_worker_can_be_used_on_the_bus(forward: list[Outcome], strip: list[Outcome], words: str) -> None:
    assert on_the_bus([result(Outcome.PASS)], [*map(result, forward)], [*map(result, strip)]) == words


def kit(**step: Any) -> dict[str, Any]:
    return {"client": "kit", **step}


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (kit(send={"raw": "garbage\n"}), "no message"),
        (kit(send={"raw": '{"jsonrpc":"2.0","method":"m"}'}), "no message"),
        (kit(send={"base64": "//4K"}), "no message"),
        (kit(send={"jsonrpc": "2.0", "id": 1}), "no message"),
        (kit(send={"jsonrpc": "2.0", "method": "m", "pool": "p"}), "the name of a pool"),
        (kit(send={"raw": [{"$from": "answer/line"}, "\n"]}), "no message"),
        ({**ASK, "split": 1}, "no message"),
        ({"target": "process", "signal": "TERM"}, "the worker's process"),
        ({"target": "process", "next": {"exit": {"code": 0}}}, "the worker's process"),
        ({"target": "stderr", "stall": True}, "the worker's process"),
        (kit(close=True), "the worker's output"),
    ],
)
def test_what_cannot_cross_a_bus_is_told(step: dict[str, Any], why: str) -> None:
    assert why in obstacle(case(step).steps, Bindings({}))


@pytest.mark.parametrize(
    "step",
    [
        ASK,
        ANSWERED,
        kit(send={"raw": [' {"method": "m" , "jsonrpc":"2.0", "x":1}\n', {"$from": "row/line"}, "\n"]}),
        kit(send={"jsonrpc": "2.0", "id": 2, "method": {"$from": "answer/result/next"}}),
        kit(send={"id": 2, "$from": "probe/prompt"}),
        kit(half_close=True),
        kit(stall=True),
    ],
)
def test_messages_and_what_a_client_can_do_cross_a_bus(step: dict[str, Any]) -> None:
    prompt = {"method": "session/prompt", "params": {"sessionId": {"$from": "opened/result/sessionId"}}}
    bindings = Bindings({"row": {"line": '{"jsonrpc":"2.0","id":1,"result":0}'}, "probe": {"prompt": prompt}})
    assert obstacle(case(step).steps, bindings) == ""


REQUEST, ERROR = {"jsonrpc": "2.0", "id": 1, "method": "m"}, {"code": -32090, "message": "it exited"}


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ({**ERROR, "data": {"source": "stdio_bus"}}, Outcome.FAIL),
        (ERROR, Outcome.PASS),
        ({**ERROR, "code": -32601, "data": {"source": "stdio_bus"}}, Outcome.PASS),
    ],
)
def test_an_answer_of_the_bus_is_none_of_the_worker(error: dict[str, Any], outcome: Outcome) -> None:
    events = sent(REQUEST), came({"jsonrpc": "2.0", "id": 1, "error": error}), decided(1)
    (found,) = judge(plain(), plain().steps, history(*events, through="kernel"), "worker")
    assert found.outcome is outcome
    (direct,) = judge(plain(), plain().steps, history(*events), "worker")
    assert direct.outcome is Outcome.PASS


def through(worker: Target, *cases: Case, **options: Any) -> list[CaseResult]:
    with Runner(worker, Options(through=str(KERNEL), **options)) as runner:
        return [runner.run_case(played) for played in cases]


@BUNDLED
def test_a_case_is_played_through_a_bus(target: Callable[..., Target]) -> None:
    (played,) = through(target("serve()"), plain())
    assert played.outcome is Outcome.PASS, played.findings
    assert played.history is not None
    assert played.history.head["through"] == str(KERNEL)
    assert [event.facts["argv"][0] for event in played.history.of_kind("spawn")] == [str(KERNEL)]


@BUNDLED
def test_a_worker_behind_a_bus_runs_in_the_folder_that_was_asked_for(
    target: Callable[..., Target], tmp_path: Path
) -> None:
    named = case(kit(send={"jsonrpc": "2.0", "id": 1, "method": {"$from": "target/cwd"}}), ANSWERED)
    (played,) = through(target("open('here', 'w').close(); serve()", cwd=str(tmp_path)), named)
    assert played.outcome is Outcome.PASS, played.findings
    assert (tmp_path / "here").is_file()
    assert played.history is not None
    assert str(tmp_path).encode() in next(played.history.lines(direction="in")).data


@BUNDLED
def test_a_worker_that_dies_is_not_taken_for_one_that_answers(target: Callable[..., Target]) -> None:
    (played,) = through(target("sys.stdin.readline(); sys.exit(3)"), plain())
    assert "the bus answered in the worker's place" in played.failures[0].explanation


@BUNDLED
def test_how_the_process_ends_is_not_held_against_a_worker_behind_a_bus(target: Callable[..., Target]) -> None:
    (played,) = through(target("serve(); time.sleep(600)"), plain())
    assert played.outcome is Outcome.PASS, played.findings


REFUSES = """
    for line in sys.stdin:
        message = json.loads(line)
        known = message.keys() <= {"jsonrpc", "id", "method", "params"}
        answer = {"result": {}} if known else {"error": {"code": -32600, "message": "unknown member"}}
        send({"jsonrpc": "2.0", "id": message["id"], **answer})
"""


@BUNDLED
def test_a_worker_that_refuses_the_members_of_the_bus_is_reached_where_they_are_removed(
    target: Callable[..., Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_stdiobus.kit.catalogue import Profile

    strange = Profile("strange", "Knows nothing of a bus", frozenset(), {}, ())
    monkeypatch.setattr("pytest_stdiobus.kit.run.profile", lambda _: strange)
    asked = case(ASK, kit(next={"id": 1, "result": {}}))
    worker = target(REFUSES)
    with Runner(worker) as runner:
        direct = [runner.run_case(asked)]
    forward, strip = (through(worker, asked, envelope=envelope) for envelope in ("forward", "strip"))
    assert compare(direct, forward) == {"WRK-03": Blame.BUS}
    assert on_the_bus(direct, forward, strip) == "with envelope strip"


BUNDLED_WORKERS = {
    "echo": {
        "bad_params": {"method": "stream", "params": {"prompt": 3}},
        "stream": {"method": "stream", "params": {"prompt": "one two three"}},
    },
    "stream": {
        "ok": {"method": "stream", "params": {"prompt": "hello"}},
        "bad_params": {"method": "stream", "params": {"prompt": 3}},
        "stream": {"method": "stream", "params": {"prompt": "one two three"}},
    },
}


def one_of_each(cases: list[Case]) -> list[Case]:
    """The first of the variants of a case; the others differ in values, not in what a bus does with them."""
    return list({played.file: played for played in reversed(cases)}.values())


@BUNDLED
@pytest.mark.parametrize("name", BUNDLED_WORKERS)
def test_the_bundled_workers_keep_every_rule_through_the_bus(name: str) -> None:
    program = str(data_dir() / "workers" / f"{name}.py")
    worker = Target(name, (sys.executable, program), probes=BUNDLED_WORKERS[name])
    with Runner(worker, Options(through=str(KERNEL))) as runner:
        results = [runner.run_case(played) for played in one_of_each(runner.cases)]
    outcomes = [played.outcome for played in results]
    assert set(outcomes) <= {Outcome.PASS, Outcome.NOT_APPLICABLE}, [
        (played.case.id, played.findings) for played in results if played.failures
    ]
    assert outcomes.count(Outcome.PASS) > 15
