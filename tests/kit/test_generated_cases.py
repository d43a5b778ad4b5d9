"""Cases that are made at random: what is made, how it is made small, and that the bundled kernel passes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from pytest_stdiobus.data import bundled_kernel, bundled_library
from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import EMBEDDED, STDIO, TCP, UNIX
from pytest_stdiobus.kit.explore.model import written
from pytest_stdiobus.kit.explore.moves import (
    Answer,
    Ask,
    Blunder,
    Collect,
    Crash,
    Forge,
    HalfClose,
    Inquire,
    Leave,
    Manner,
    Misroute,
    Notify,
    Part,
    Plan,
    Reply,
    Stall,
    StallWorker,
    Take,
    Tell,
    Trespass,
    Whisper,
)
from pytest_stdiobus.kit.explore.plans import plans
from pytest_stdiobus.kit.explore.search import Search, case_of
from pytest_stdiobus.kit.explore.smaller import smaller
from pytest_stdiobus.kit.lint import lint
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import KERNEL, Target, from_library

if TYPE_CHECKING:
    from pathlib import Path

ONE = [{"id": "w", "worker": "scripted", "instances": 1}]
PAIR = [{"id": "w", "worker": "scripted", "instances": 2}]
TWO = [*ONE, {"id": "v", "worker": "scripted", "instances": 1}]


@pytest.fixture
def kernel() -> Target:
    found = bundled_kernel()
    assert found is not None
    return Target("reference", (str(found),), subject=KERNEL)


def steps_of(*moves: Any, transport: str = UNIX, pools: Any = ONE) -> list[dict[str, Any]]:
    return written(Plan(pools, moves), transport)


def sent(steps: list[dict[str, Any]]) -> list[str]:
    return [step["client"] for step in steps if "client" in step and "send" in step]


@settings(deadline=None, max_examples=40)
@given(plans())
def test_whatever_is_made_is_a_case_without_a_mistake(plan: Plan) -> None:
    case = case_of(plan, UNIX, seed=0)
    assert not case.steps or lint([case]) == []


@settings(deadline=None, max_examples=40)
@given(plans())
def test_every_message_of_a_client_is_looked_for(plan: Plan) -> None:
    pools = [{name: value for name, value in pool.items() if name != "envelope"} for pool in plan.pools]
    moves = tuple(move for move in plan.moves if not isinstance(move, Misroute))
    steps = written(replace(plan, pools=pools, moves=moves), UNIX)
    sent_by_clients = [step for step in steps if "client" in step and "send" in step and "as" in step]
    assert len(sent_by_clients) == len(
        [step for step in steps if "client" not in step and "bytes" in step.get("find", {})]
    )


def test_a_request_is_read_answered_and_its_response_read() -> None:
    asks, takes, answers, collects = steps_of(Ask())
    assert asks["send"] == {"jsonrpc": "2.0", "id": 1, "method": "m1", "params": {}}
    assert takes["find"] == {"bytes": {"$from": asks["as"]}}
    assert answers["worker"] == takes["as"]
    assert answers["send"] == {"jsonrpc": "2.0", "id": 1, "result": {"n": 2}}
    assert collects["find"] == {"bytes": {"$from": answers["as"]}}


def test_a_client_does_not_use_an_id_that_it_has_open_under_any_spelling() -> None:
    assert len(sent(steps_of(Ask(ident="1"), Ask(ident="1.0")))) == 1
    assert len(sent(steps_of(Ask(ident="1"), Take(), Answer(), Ask(ident="1")))) == 1
    assert len(sent(steps_of(Ask(ident="1"), Take(), Answer(), Collect(), Ask(ident="1")))) == 2


def test_the_id_of_another_is_used_when_that_request_has_arrived_and_looked_for_when_it_is_answered() -> None:
    assert sent(steps_of(Ask(client=0), Ask(client=1))) == ["alice"]
    made = steps_of(Ask(client=0), Take(), Ask(client=1), Tell(client=1), Take())
    assert [next(iter(step)) for step in made[:5]] == ["client", "pool", "client", "client", "worker"]


def test_a_worker_speaks_to_the_client_that_is_known_to_own_the_session() -> None:
    told = steps_of(Tell(session="s"), Take(), Tell(client=1, session="s"), Take(), Notify(which=1), Collect())
    assert told[-1]["client"] == "alice"
    both = steps_of(Tell(session="s"), Tell(client=1, session="s"), Take(), Take(), Notify())
    assert not [step for step in both if "worker" in step]


def test_another_goes_on_while_a_line_is_half_written() -> None:
    made = steps_of(Ask(client=0, manner=Manner(cut=9)), Tell(client=1))
    assert [step["client"] for step in made[:3]] == ["alice", "bob", "alice"]
    halves = [step["send"]["raw"] for step in made if step.get("client") == "alice" and "send" in step]
    assert json.loads("".join(halves))["method"] == "m1"


@pytest.mark.parametrize(("transport", "count"), [(UNIX, 8), (TCP, 4), (STDIO, 6), (EMBEDDED, 3)])
def test_the_bundled_kernel_passes_generated_cases(kernel: Target, tmp_path: Path, transport: str, count: int) -> None:
    library = bundled_library()
    assert library is not None
    judged = from_library(str(library)) if transport == EMBEDDED else kernel
    with Runner(judged, Options(examples=count, time_scale=4)) as runner:
        (result,) = Search(runner, transport, tmp_path).run()
    assert result.outcome is Outcome.PASS
    assert result.case.title.startswith(f"{count} cases ")
    assert {"KRN-COR-01", "KRN-TRN-03"} <= set(result.case.requirements)
    assert not list(tmp_path.iterdir())


def test_a_seed_makes_the_same_cases_and_another_others(kernel: Target, tmp_path: Path) -> None:
    made = [list(Search(Runner(kernel, Options(examples=9, seed=seed)), UNIX, tmp_path).plans()) for seed in (3, 3, 4)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_a_request_is_not_looked_for_while_the_answer_to_the_one_before_is_half_written() -> None:
    made = steps_of(Ask(client=0), Take(), Ask(client=1), Answer(manner=Manner(cut=9)), Take())
    assert [next(iter(step)) for step in made[3:6]] == ["worker", "worker", "pool"]


def test_what_a_worker_had_not_answered_when_it_died_fails_and_its_session_is_served_by_the_next() -> None:
    made = steps_of(Ask(session="s"), Take(), Crash(), Tell(session="s"), Take())
    assert [next(key for key in step if key not in {"client", "pool", "worker"}) for step in made[2:4]] == [
        "kill",
        "starts",
    ]
    assert [step["judges"] for step in made[3:] if "judges" in step] == ["KRN-WRK-03", "KRN-RTE-10", "KRN-ERR-03"]
    assert made[-1]["find"]["id"] == 1


TWO_SESSIONS = Ask(session="s"), Take(), Ask(1, "2", "t"), Take()


def test_what_another_worker_of_the_pool_has_not_answered_goes_on_when_one_dies() -> None:
    made = steps_of(*TWO_SESSIONS, Part(), Crash(), pools=PAIR)
    parts, kills, starts = made[4:7]
    assert parts["assume"] == {"distinct": [f"{made[1]['as']}/worker", f"{made[3]['as']}/worker"]}
    assert (kills["worker"], starts["starts"]) == (made[1]["as"], 3)
    assert [step["worker"] for step in made[7:] if "worker" in step] == [made[3]["as"]]
    found = {step["client"]: step["judges"] for step in made[7:] if "client" in step}
    assert found == {"alice": "KRN-ERR-03", "bob": "KRN-COR-01"}


def test_what_may_be_at_the_worker_that_dies_or_at_another_is_answered_before() -> None:
    made = steps_of(*TWO_SESSIONS, Crash(), pools=PAIR)
    before = [next(key for key in step if key not in {"client", "pool", "worker"}) for step in made[4:8]]
    assert before == ["send", "find", "kill", "starts"]
    assert made[5]["client"] == "bob"


def test_every_worker_of_a_pool_reads_again_before_one_dies() -> None:
    made = steps_of(*TWO_SESSIONS, Part(), StallWorker(1), Crash(), pools=PAIR)
    stalls, resumes, kills = (
        next(at for at, step in enumerate(made) if verb in step) for verb in ("stall", "resume", "kill")
    )
    assert stalls < resumes < kills


def test_equal_ids_are_in_flight_at_two_workers_that_are_known_to_be_two() -> None:
    opened = Ask(session="s"), Take(), Ask(1, "2", "t"), Take(), Part(), Answer(1, at_once=True)
    made = steps_of(*opened, Ask(1, "1", "t"), Take(), Answer(1, at_once=True), pools=PAIR)
    assert [next(iter(step)) for step in made[7:11]] == ["client", "pool", "worker", "client"]
    assert made[8]["judges"] == "KRN-COR-03"
    assert made[10]["client"] == "bob"


def test_a_session_that_its_clients_have_left_is_not_known_to_be_anywhere() -> None:
    made = steps_of(*TWO_SESSIONS, Part(), Leave(1), Tell(2, "t"), Take(), Trespass(), Part(), pools=PAIR)
    assert len([step for step in made if "assume" in step]) == 2
    assert [step["send"]["sessionId"] for step in made if "worker" in step and "method" in step.get("send", {})] == [
        "nowhere"
    ]


STRIPPED = [{**ONE[0], "envelope": "strip"}]


def test_a_worker_that_is_not_shown_the_members_of_the_bus_reads_all_others_and_its_response_has_the_session() -> None:
    made = steps_of(Ask(session="s", extra={"agentId": "a1"}), pools=STRIPPED)
    assert made[1]["find"] == {"bytes": '{"jsonrpc":"2.0","id":1,"method":"m1","params":{}}'}
    assert "sessionId" not in made[2]["send"]
    assert made[3]["find"] == {**made[2]["send"], "sessionId": "s"}
    assert [step["judges"] for step in made if "judges" in step] == ["KRN-RTE-13"] * 2


def test_a_worker_that_is_not_shown_its_sessions_speaks_only_while_it_has_one() -> None:
    asked = Ask(session="s"), Take(), Inquire(at_once=True), Reply(), Take()
    made = steps_of(*asked, pools=STRIPPED)
    assert made[3]["find"] == {**made[2]["send"], "sessionId": "s"}
    assert made[5]["find"] == {"bytes": '{"jsonrpc":"2.0","id":1,"result":{"n":3}}'}
    two = steps_of(Tell(session="t"), *asked, pools=STRIPPED)
    assert not [step for step in two if "worker" in step and "method" in step.get("send", {})]


def test_what_a_worker_says_that_is_not_shown_its_sessions_is_read_before_it_can_have_another() -> None:
    made = steps_of(Tell(session="s"), Take(), Notify(), Tell(session="t"), pools=STRIPPED)
    assert made[3]["find"] == {**made[2]["send"], "sessionId": "s"}
    assert made[4]["send"]["sessionId"] == "t"


def test_what_a_worker_names_as_its_session_leads_to_the_client_of_that_response() -> None:
    made = steps_of(Ask(session="s"), Take(), Answer(names=True), Collect(), Whisper())
    assert made[-2]["send"]["params"] == {"sessionId": made[2]["send"]["result"]["sessionId"]}
    assert made[-1] == {"client": "alice", "find": {"bytes": {"$from": made[-2]["as"]}}, "judges": "KRN-RTE-09"}
    unread = steps_of(Ask(session="s"), Take(), Answer(names=True), Whisper())
    assert len(unread) == 4


def test_what_can_go_nowhere_is_answered_if_it_is_a_request() -> None:
    asks, told, reads = steps_of(Misroute(ident="7"), Misroute(ident=None))
    assert asks["send"]["pool"] == told["send"]["pool"] == "nowhere"
    assert (reads["find"]["id"], reads["judges"]) == (7, "KRN-RTE-07")


def test_the_only_pool_may_be_named_and_so_may_that_of_a_session() -> None:
    made = steps_of(Ask(named=True))
    assert (made[0]["send"]["pool"], made[1]["judges"]) == ("w", "KRN-RTE-05")
    made = steps_of(Tell(session="s", pool=1), Take(), Tell(session="s", named=True), Take(), pools=TWO)
    assert made[2]["send"]["pool"] == "v"


def test_a_line_that_ends_with_a_carriage_return_arrives_without_it() -> None:
    sends, reads = steps_of(Tell(manner=Manner(cr=True)), Take())
    assert sends["send"] == {"raw": f"{reads['find']['bytes']}\r\n"}
    assert reads["judges"] == "KRN-FRM-02"
    assert "raw" not in steps_of(Tell(manner=Manner(cr=True)), transport=EMBEDDED)[0]["send"]


def test_no_line_is_longer_than_the_case_allows_but_the_one_that_is_refused() -> None:
    moves = Ask(manner=Manner(size=200_000)), Take(), Answer(manner=Manner(size=200_000)), Blunder(beyond=1)
    made = written(Plan(ONE, moves, longest=4096), UNIX)
    sizes = [len(wire.encode(Bindings({}).expand(step["send"]))) for step in made if "send" in step]
    assert sizes == [4095, 4095, 4097]
    assert [step["judges"] for step in made if step.get("find", {}).get("error")] == ["KRN-FRM-08"]


def test_nobody_looks_for_what_was_sent_to_a_client_that_has_left() -> None:
    made = steps_of(Ask(session="s"), Take(), Notify(), Leave(), Answer())
    assert "close" in made[-2]
    assert "result" in made[-1]["send"]


def test_a_client_that_has_ended_its_input_gets_its_answer_and_sends_nothing_more() -> None:
    made = steps_of(Ask(session="s"), Take(), HalfClose(), Tell(), Answer())
    assert sent(made) == ["alice"]
    assert made[-1]["judges"] == "KRN-NET-04"


def test_a_client_has_read_what_is_no_answer_before_it_ends_its_input() -> None:
    made = steps_of(Tell(session="s"), Take(), Notify(), HalfClose())
    assert "find" in made[-2]
    assert "half_close" in made[-1]


def test_a_worker_that_asks_gets_the_answer_of_the_client_itself() -> None:
    made = steps_of(Tell(session="s"), Take(), Inquire(ident="7", at_once=True), Reply())
    asks, reads, replies, gets = made[2:]
    assert asks["send"]["id"] == replies["send"]["id"] == 7
    assert reads["client"] == replies["client"] == "alice"
    assert gets["worker"] == asks["worker"]


def test_a_worker_speaks_in_the_session_of_another_pool_and_nobody_looks_for_it() -> None:
    made = steps_of(Tell(session="s"), Take(), Tell(session="t", pool=1), Take(), Trespass(), pools=TWO)
    assert made[-1]["worker"] == made[1]["as"]
    assert made[-1]["send"]["sessionId"] == "t"


def test_a_worker_speaks_in_the_session_of_the_one_before_it_until_that_is_used_again() -> None:
    crashed = Tell(session="s"), Take(), Crash(), Tell(), Take()
    assert steps_of(*crashed, Trespass())[-1]["send"]["sessionId"] == "s"
    assert steps_of(*crashed, Tell(session="s"), Take(), Trespass())[-1]["send"]["sessionId"] == "nowhere"


def test_a_client_answers_what_another_was_asked_and_the_worker_reads_the_answer_of_the_other() -> None:
    made = steps_of(Tell(session="s"), Take(), Inquire(ident="7", at_once=True), Forge(client=1), Reply())
    forges, replies, gets = made[4:]
    assert (forges["client"], replies["client"]) == ("bob", "alice")
    assert forges["send"]["id"] == replies["send"]["id"] == 7
    assert gets["find"] == {"bytes": {"$from": replies["as"]}}


def test_whether_a_request_is_held_is_open_where_it_came_before_the_answer_that_decides_it() -> None:
    """A kernel holds equal ids in two sessions apart once its worker has repeated a session; this one may not know it yet."""
    opening = Ask(ident="1", session="s"), Take(), Ask(ident="2", session="t"), Take(), Answer(), Ask(1, "2", "s")
    made = steps_of(*opening, Collect(), Take())
    assert [next(iter(step)) for step in made[-5:]] == ["worker", "pool", "worker", "client", "client"]
    assert "send" in made[-5]


def test_whoever_stalls_reads_again_before_it_has_to_read() -> None:
    made = steps_of(Ask(session="s"), Take(), Stall(), StallWorker(), Tell(session="s"), Answer())
    assert [step["judges"] for step in made if "judges" in step] == ["KRN-TRN-03", "KRN-LIM-01", "KRN-LIM-01"]
    for actor in ("worker", "client"):
        assert [step for step in made if step.get(actor) and "resume" in step]


def test_a_plan_is_made_smaller_as_long_as_it_fails() -> None:
    """Here what fails is an answer in pieces after bob has sent a notification."""
    moves = (
        Ask(),
        Take(),
        Tell(client=1, session="s"),
        Ask(client=2, ident="2"),
        Take(),
        Answer(manner=Manner(split=3)),
    )

    def fails(plan: Plan) -> bool:
        told = any(isinstance(move, Tell) and move.client == 1 for move in plan.moves)
        return told and any(isinstance(move, Answer) and move.manner.split for move in plan.moves)

    found = smaller(Plan([*ONE, *ONE], moves), fails)
    assert found[-1] == Plan(ONE, (Tell(client=1), Answer(manner=Manner(split=3))))
    assert all(map(fails, found))
