"""What the client writes, seen by a worker at the other end, on every backend."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AuditEvent,
    BusConfig,
    Identity,
    InvalidArgumentError,
    LimitsConfig,
    PoolConfig,
    RequestOptions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import MakeBus, WorkerPool

ECHO = "for m in lines: answer(m, m)"
# Answers with the notifications that came before.
NOTES = """
seen = []
for m in lines:
    if "id" in m: answer(m, seen)
    else: seen.append(m)
"""


@pytest.mark.req("SDK-WIR-01")
async def test_a_request_is_written_as_asked_and_answered(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    seen = await bus.request("m", {"text": "é\ud83d"})
    assert seen == {
        "jsonrpc": "2.0",
        "id": "1",
        "method": "m",
        "sessionId": bus.client_session_id,
        "params": {"text": "é\ud83d"},
    }


@pytest.mark.req("SDK-WIR-01")
@pytest.mark.parametrize("params", [None, {}, []])
async def test_params_are_sent_only_when_given(make_stdiobus: MakeBus, worker: WorkerPool, params: Any) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    seen = await bus.request("m", params)
    assert seen.get("params", "absent") == ("absent" if params is None else params)
    *_, result = [event async for event in bus.stream_request("m", params)]
    assert result.result.get("params", "absent") == ("absent" if params is None else params)


@pytest.mark.req("SDK-WIR-01")
async def test_ids_are_strings_and_never_repeat(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    ids = [seen["id"] for seen in await asyncio.gather(*[bus.request("m", session_id=f"s{n % 3}") for n in range(50)])]
    ids += [event.result["id"] async for event in bus.stream_request("m")]
    assert {type(message_id) for message_id in ids} == {str}
    assert len(set(ids)) == 51


@pytest.mark.req("SDK-WIR-01")
async def test_a_notification_has_no_id(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(NOTES)])
    await bus.notify("one", {"a": 1})
    await bus.notify("two")
    common = {"jsonrpc": "2.0", "sessionId": bus.client_session_id}
    assert await bus.request("m") == [{**common, "method": "one", "params": {"a": 1}}, {**common, "method": "two"}]


async def test_a_raw_line_arrives_as_it_is_and_in_its_turn(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(NOTES)])
    await bus.notify("one", session_id="s")
    assert bus.send('{"method":"two","sessionId":"s","more":[1.50]}')
    seen = await bus.request("m", session_id="s")
    assert [note["method"] for note in seen] == ["one", "two"]
    assert seen[1] == {"method": "two", "sessionId": "s", "more": [1.5]}


@pytest.mark.req("SDK-WIR-02")
@pytest.mark.parametrize(
    ("argument", "option", "expected"),
    [(None, None, "own"), ("argument", None, "argument"), (None, "option", "option"), ("argument", "option", "option")],
)
async def test_the_session_is_that_of_the_options_else_the_argument_else_the_clients_own(
    make_stdiobus: MakeBus, worker: WorkerPool, argument: str | None, option: str | None, expected: str
) -> None:
    bus = await make_stdiobus([worker(NOTES)])
    session = bus.client_session_id if expected == "own" else expected
    chosen: dict[str, Any] = {"session_id": argument, "options": RequestOptions(session_id=option)}
    await bus.notify("n", **chosen)
    assert [note["sessionId"] for note in await bus.request("m", **chosen)] == [session]
    stream = [event async for event in bus.stream_request("m", **chosen)]
    assert [note["sessionId"] for note in stream[-1].result] == [session]
    assert bus.client_session_id.startswith("client-")


@pytest.mark.req("SDK-WIR-02")
async def test_every_client_has_a_session_of_its_own(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    one, other = await make_stdiobus([worker(ECHO)]), await make_stdiobus([worker(ECHO)])
    assert one.client_session_id != other.client_session_id


@pytest.mark.req("SDK-WIR-03")
async def test_agent_identity_and_audit_stand_where_they_belong(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    audit = AuditEvent("e1", "read", "e0", "2026-01-01T00:00:00Z", {"id": "u", "kind": "person"}, "file", "granted")
    options = RequestOptions(agent_id="planner", identity=Identity("u", "admin", "proxy"), audit=audit)
    seen = await bus.request("m", options=options)
    assert seen["agentId"] == "planner"
    assert seen["_ext"] == {
        "identity": {"subjectId": "u", "role": "admin", "assertedBy": "proxy"},
        "audit": {
            "eventId": "e1",
            "action": "read",
            "parentEventId": "e0",
            "timestamp": "2026-01-01T00:00:00Z",
            "actor": {"id": "u", "kind": "person"},
            "resource": "file",
            "outcome": "granted",
        },
    }


@pytest.mark.req("SDK-WIR-03")
async def test_members_without_a_value_are_not_sent(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(ECHO)])
    seen = await bus.request("m", options=RequestOptions(audit=AuditEvent("e1", "read")))
    assert seen["_ext"] == {"audit": {"eventId": "e1", "action": "read"}}
    assert "agentId" not in seen
    assert "_ext" not in await bus.request("m", options=RequestOptions(agent_id="a"))


@pytest.mark.req("SDK-WIR-06")
async def test_pools_and_limits_reach_the_kernel(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    pool = worker("for m in lines: answer(m, {'env': os.environ.get('ADDED'), 'cwd': os.getcwd(), 'pid': os.getpid()})")
    pool = PoolConfig("w", pool.command, pool.args, instances=2, env={"ADDED": "é\n"}, cwd="/usr")
    bus = await make_stdiobus([pool], limits=LimitsConfig(max_input_buffer=300))
    answers = [await bus.request("m", session_id=name) for name in "ab"]
    assert [(answer["env"], answer["cwd"]) for answer in answers] == [("é\n", "/usr")] * 2
    assert answers[0]["pid"] != answers[1]["pid"]
    with pytest.raises(InvalidArgumentError, match="max_input_buffer is 300"):
        await bus.request("m", ["x" * 300])


@pytest.mark.req("SDK-WIR-06")
async def test_a_configuration_file_reaches_the_kernel_as_it_is(
    make_stdiobus: MakeBus, worker: WorkerPool, tmp_path: Path
) -> None:
    path = tmp_path / "bus.json"
    document = BusConfig(pools=[worker(ECHO)]).to_dict()
    path.write_text(json.dumps(document, indent=4), encoding="utf-8")
    bus = await make_stdiobus(config_path=path)
    assert (await bus.request("m"))["method"] == "m"
    path.write_text(json.dumps({**document, "no such key": 1}), encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match="no such key"):
        await make_stdiobus(config_path=path)


@pytest.mark.req("SDK-WIR-07")
async def test_a_pool_is_written_only_when_it_is_named(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(NOTES, "a"), worker(NOTES, "b")])
    await bus.notify("b")
    await bus.notify("n", pool="b")
    assert [note.get("pool") for note in await bus.request("m", pool="b")] == [None, "b"]
    *_, result = [event async for event in bus.stream_request("b")]
    assert [note["method"] for note in result.result] == ["b", "n"]
    assert await bus.request("a") == []


@pytest.mark.req("SDK-WIR-07")
async def test_the_sessions_of_several_pools_never_collide(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    code = "for m in lines: chunk(m['sessionId'], '{0}'); answer(m, {{'pool': '{0}', 'session': m['sessionId']}})"
    bus = await make_stdiobus([worker(code.format(name), name) for name in "abc"])
    answers = await asyncio.gather(*[bus.request("m", pool=name) for name in "abc" * 5])
    assert [answer["pool"] for answer in answers] == [answer["text"] for answer in answers] == list("abc" * 5)
    assert len({answer["session"] for answer in answers}) == 3
    assert answers[0]["session"] == bus.client_session_id


@pytest.mark.req("SDK-WIR-07")
async def test_a_session_stays_with_its_pool_whatever_the_kernel_refused(
    make_stdiobus: MakeBus, worker: WorkerPool
) -> None:
    code = "for m in lines: send({'method': 'told', 'sessionId': m['sessionId']}); answer(m, 'NAME')"
    bus = await make_stdiobus([worker(code.replace("NAME", name), name) for name in "ab"])
    with pytest.raises(InvalidArgumentError):
        await bus.request("m", object(), pool="b", session_id="s")
    assert await bus.request("m", pool="a", session_id="s") == "a"
    with pytest.raises(InvalidArgumentError, match="pool_mismatch"):
        await bus.request("m", pool="b", session_id="s")
    told = bus.subscribe("a")
    assert await bus.request("m", session_id="s") == "a"
    told.close()
    assert len([note async for note in told]) == 1


async def test_a_program_is_started_without_a_shell(make_stdiobus: MakeBus) -> None:
    code = "import sys, json; m = json.loads(input()); print(json.dumps(m | {'result': sys.argv[1]} | {'method': 0}))"
    code = code.replace("| {'method': 0}", "").replace("m | ", "{'id': m['id'], 'sessionId': m['sessionId']} | ")
    bus = await make_stdiobus([PoolConfig("w", sys.executable, ["-c", code, "$HOME; *"])])
    assert await bus.request("m") == "$HOME; *"
