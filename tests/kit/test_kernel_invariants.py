"""What every history of a kernel is held to, and what no history may be accused of."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariants
from pytest_stdiobus.kit.history import TARGET

from .histories import history

Observed = tuple[str, str, str, bytes, dict[str, Any]]

ONE, OTHER = "worker:w/0#1", "worker:w/1#1"
ASKED = {"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "a"}
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": "r", "sessionId": "a"}
NEWS = {"jsonrpc": "2.0", "method": "news", "sessionId": "a"}


def line(actor: str, direction: str, message: Any, **facts: Any) -> Observed:
    data = message if isinstance(message, bytes) else wire.encode(message)
    return actor, "line", direction, data, facts


def sends(actor: str, message: Any) -> Observed:
    return line(actor, "in", message)


def gets(actor: str, message: Any, **facts: Any) -> Observed:
    return line(actor, "out", message, **facts)


def of(kind: str, actor: str = TARGET, **facts: Any) -> Observed:
    return actor, kind, "", b"", facts


def accused(*events: Observed, **head: Any) -> list[str]:
    observed = history(*events, **head)
    return [finding.requirement for invariant in invariants("kernel") for finding in invariant(observed)]


ALICE, BOB = "client:alice", "client:bob"
EXCHANGE = (sends(ALICE, ASKED), gets(ONE, ASKED), sends(ONE, ANSWER), gets(ALICE, ANSWER))
STRIP = {"pools": [{"id": "w", "envelope": "strip"}]}

BREACHES = {
    "text-to-a-client": ["KRN-FRM-01", gets(ALICE, b"error: no such pool")],
    "an-array-to-a-worker": ["KRN-FRM-01", gets(ONE, b"[]")],
    "no-line-feed": ["KRN-FRM-01", sends(ONE, NEWS), gets(ALICE, b'{"jso', terminated=False), of("exit", code=0)],
    "request-written-anew": [
        "KRN-TRN-01",
        sends(ALICE, b'{"id": 1, "method": "m"}'),
        gets(ONE, b'{"id":1,"method":"m"}'),
    ],
    "id-replaced": ["KRN-TRN-01", sends(ALICE, ASKED), gets(ONE, {**ASKED, "id": "k-1"})],
    "notification-of-a-worker-altered": [
        "KRN-TRN-01",
        *EXCHANGE,
        sends(ONE, NEWS),
        gets(ALICE, {**NEWS, "pool": "w"}),
    ],
    "result-altered": ["KRN-TRN-01", *EXCHANGE[:3], gets(ALICE, {**ANSWER, "result": "R"})],
    "response-to-who-asked-nothing": ["KRN-COR-01", *EXCHANGE[:3], gets(BOB, ANSWER)],
    "response-of-the-other-with-the-same-id": [
        "KRN-COR-02",
        *EXCHANGE[:3],
        sends(BOB, {**ASKED, "sessionId": "b"}),
        gets(BOB, ANSWER),
    ],
    "responses-of-one-worker-swapped": [
        "KRN-COR-02",
        *EXCHANGE[:2],
        sends(BOB, {**ASKED, "sessionId": "b"}),
        gets(ONE, {**ASKED, "sessionId": "b"}),
        sends(ONE, ANSWER),
        gets(BOB, ANSWER),
    ],
    "session-of-another": [
        "KRN-RTE-08",
        *EXCHANGE,
        sends(BOB, {**ASKED, "id": 2, "sessionId": "b"}),
        sends(ONE, NEWS),
        gets(BOB, NEWS),
    ],
    "session-of-another-worker": ["KRN-RTE-08", *EXCHANGE, sends(OTHER, NEWS), gets(ALICE, NEWS)],
    "session-of-the-worker-before": ["KRN-RTE-08", *EXCHANGE, sends("worker:w/0#2", NEWS), gets(ALICE, NEWS)],
    "response-twice": ["KRN-ERR-01", *EXCHANGE, gets(ALICE, ANSWER)],
    "error-after-the-response": [
        "KRN-ERR-01",
        *EXCHANGE,
        gets(ALICE, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32090}}),
    ],
    "fault-on-sigterm": ["KRN-SHD-01", of("ending"), of("signal", signal="SIGTERM"), of("exit", signal="SIGSEGV")],
    "deaf-to-sigterm": [
        "KRN-SHD-01",
        of("ending"),
        of("signal", signal="SIGTERM"),
        of("signal", signal="SIGKILL"),
        of("exit", signal="SIGKILL"),
    ],
    "a-descriptor-too-many": ["KRN-WRK-02", of("open", ONE, fds={"0": "pipe:[1]", "3": "pipe:[7]", "4": "socket:[9]"})],
    "a-socket-for-everyone": ["KRN-NET-03", of("files", path="bus", mode=0o755)],
    "a-socket-left": [
        "KRN-NET-03",
        of("signal", signal="SIGTERM"),
        of("exit", code=0),
        of("files", path="bus", left=True),
    ],
    "a-worker-left": ["KRN-WRK-07", of("orphans", processes=[{"pid": 7, "command": "worker"}])],
}

INNOCENT: dict[str, list[Observed]] = {
    "before-its-line-feed": [sends(BOB, {**ASKED, "id": 2}), gets(ONE, ASKED), sends(ALICE, ASKED)],
    "in-a-session-that-it-has-made": [
        *(sends(ALICE, {**ASKED, "sessionId": "b"}), gets(ONE, {**ASKED, "sessionId": "b"})),
        sends(ONE, {"jsonrpc": "2.0", "id": 1, "result": {"sessionId": "a"}, "sessionId": "b"}),
        *(sends(ALICE, {**NEWS, "method": "m"}), gets(OTHER, {**NEWS, "method": "m"})),
        *(sends(ONE, NEWS), gets(ALICE, NEWS)),
    ],
    "in-a-session-of-which-it-has-something-to-read": [
        *EXCHANGE,
        *(sends(ALICE, {**NEWS, "method": "m"}), sends(OTHER, NEWS), gets(ALICE, NEWS)),
    ],
    "a-line-feed-of-the-hosts-own": [
        sends("client:host", b'{"id":1,"method":"m"}\n'), gets(ONE, b'{"id":1,"method":"m"}'), gets(ONE, b""),
        sends("client:host", b'{"id":2,\n"method":"m"}'), gets(ONE, b'{"id":2,'), gets(ONE, b'"method":"m"}'),
    ],
    "a-private-socket": [of("files", path="bus", mode=0o600)],
    "a-socket-left-by-a-kill": [of("signal", signal="SIGKILL"), of("exit", signal="SIGKILL"), of("files", path="bus", left=True)],
    "a-plain-exchange": [*EXCHANGE],
    "a-cr-kept-or-dropped": [sends(ALICE, b'{"id":1,"method":"m"}\r'), gets(ONE, b'{"id":1,"method":"m"}')],
    "what-came-so-is-passed-on": [sends(ALICE, b'{"id":1,"method":"m","params":NaN}'), gets(ONE, b'{"id":1,"method":"m","params":NaN}')],
    "a-line-cut-by-a-crash": [sends(ONE, NEWS), gets(ALICE, b'{"jso', terminated=False), of("exit", signal="SIGSEGV")],
    "a-client-that-did-not-read-was-closed": [of("stall", ALICE), gets(ALICE, b'{"jso', terminated=False), of("exit", code=0)],
    "a-call-of-the-kernels-own": [gets(ONE, {"jsonrpc": "2.0", "id": 0, "method": "stdio_bus/ping"})],
    "an-answer-of-the-kernels-own": [sends(ALICE, {**ASKED, "method": "stdio_bus/hello"}), gets(ALICE, {"jsonrpc": "2.0", "id": 1, "result": {}})],
    "an-error-of-the-kernels-own": [*EXCHANGE[:2], gets(ALICE, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32090}})],
    "an-error-for-what-cannot-be-read": [sends(ALICE, b"no"), gets(ALICE, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700}}), sends(ALICE, b"no"), gets(ALICE, {"jsonrpc": "2.0", "id": None, "error": {"code": -32700}})],
    "ids-that-are-equal-numbers": [
        sends(ALICE, b'{"id":9007199254740993.0,"method":"m"}'), gets(ONE, b'{"id":9007199254740993.0,"method":"m"}'),
        sends(ONE, b'{"id":9007199254740993,"result":0}'), gets(ALICE, b'{"id":9007199254740993,"result":0}'),
    ],
    "an-id-used-again": [*EXCHANGE, *EXCHANGE],
    "both-asked-for-the-same": [
        *EXCHANGE[:2], sends(BOB, ASKED), gets(OTHER, ASKED), sends(OTHER, ANSWER), gets(BOB, ANSWER), sends(ONE, ANSWER), gets(ALICE, ANSWER),
    ],
    "a-session-learned-from-a-result": [
        sends(ALICE, {"jsonrpc": "2.0", "id": 1, "method": "session/new"}), gets(ONE, {"jsonrpc": "2.0", "id": 1, "method": "session/new"}),
        sends(ONE, {"jsonrpc": "2.0", "id": 1, "result": {"sessionId": "a"}}), gets(ALICE, {"jsonrpc": "2.0", "id": 1, "result": {"sessionId": "a"}}),
        sends(ONE, NEWS), gets(ALICE, NEWS),
    ],
    "a-session-spelled-with-escapes": [
        sends(ALICE, b'{"id":1,"method":"m","sessionId":"\\u0061"}'), gets(ONE, b'{"id":1,"method":"m","sessionId":"\\u0061"}'), sends(ONE, NEWS), gets(ALICE, NEWS),
    ],
    "ended-by-the-signal-itself": [of("ending"), of("signal", signal="SIGTERM"), of("exit", signal="SIGTERM")],
    "not-given-its-full-time": [of("ending"), of("signal", signal="SIGTERM", shortened="it never ends"), of("signal", signal="SIGKILL"), of("exit", signal="SIGKILL")],
    "killed-by-the-case": [of("signal", signal="SIGTERM", step=1), of("signal", signal="SIGKILL", step=2), of("exit", signal="SIGKILL")],
    "usage": [(TARGET, "line", "out", b"usage: kernel --config PATH", {}), of("exit", code=0)],
    "refused-to-start": [of("exit", code=1)],
    "three-descriptors-and-the-kits": [of("open", ONE, fds={"0": "pipe:[1]", "1": "pipe:[2]", "2": "pipe:[3]", "3": "socket:[9]"})],
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_a_breach_is_accused_of_its_requirement_alone(breach: list[Any]) -> None:
    requirement, *events = breach
    assert accused(*events) == [requirement]


@pytest.mark.parametrize("events", INNOCENT.values(), ids=INNOCENT)
def test_what_a_kernel_may_do_accuses_it_of_nothing(events: list[Observed]) -> None:
    assert accused(*events) == []


def test_a_stripped_message_is_not_the_line_that_was_sent() -> None:
    stripped = {key: value for key, value in ASKED.items() if key != "sessionId"}
    answer = {key: value for key, value in ANSWER.items() if key != "sessionId"}
    events = (sends(ALICE, ASKED), gets(ONE, stripped), sends(ONE, answer), gets(ALICE, ANSWER))
    assert accused(*events) == ["KRN-TRN-01"]
    assert accused(*events, config=STRIP) == []


def test_a_long_drain_timeout_is_granted() -> None:
    late = (of("ending"), of("signal", signal="SIGTERM"), of("signal", signal="SIGKILL"), of("exit", signal="SIGKILL"))
    assert accused(*late, config={"limits": {"drain_timeout_sec": 30}}) == []


@pytest.mark.parametrize("how", [{"code": 1}, {"signal": "SIGSEGV"}])
def test_a_kernel_on_stdio_ends_with_status_0_when_its_input_does(how: dict[str, Any]) -> None:
    assert accused(of("ending"), of("exit", **how), transport="stdio") == ["KRN-SHD-05"]
    assert accused(of("ending"), of("exit", code=0), transport="stdio") == []
    assert accused(of("ending"), of("exit", **how), transport="unix") == []


def test_a_kernel_on_stdio_that_goes_on_after_its_input_has_ended_is_accused() -> None:
    events = (of("signal", signal="SIGTERM"), of("exit", code=0))
    assert accused(of("ending"), *events, transport="stdio") == ["KRN-SHD-05"]
    assert accused(of("ending", shortened="it never ends"), *events, transport="stdio") == []
    assert accused(of("close", ALICE), of("ending"), *events, transport="stdio") == []


def test_a_worker_is_not_restarted_more_often_than_allowed() -> None:
    started = [of("open", f"worker:w/0#{life}") for life in (1, 2, 3)]
    pools = [{"id": "w", "worker": "scripted", "instances": 1}]
    for most, told in ((2, []), (1, ["KRN-WRK-03"])):
        limits = {"max_restarts": most, "restart_window_sec": 60}
        assert accused(*started, config={"pools": pools, "limits": limits}) == told
    assert accused(*started, config={"pools": pools, "limits": {"max_restarts": 1}}) == []
    twice = [{**pools[0], "instances": 2}]
    assert accused(*started, config={"pools": twice, "limits": {"max_restarts": 1, "restart_window_sec": 60}}) == []


@pytest.mark.parametrize("limits", [[], "none", 3])
def test_limits_that_a_kernel_refused_are_no_limits(limits: Any) -> None:
    assert (
        accused(*EXCHANGE, of("signal", signal="SIGTERM"), of("exit", code=1), config={"pools": [], "limits": limits})
        == []
    )


def test_what_a_kernel_prints_before_its_client_speaks_is_for_that_client_on_stdio() -> None:
    banner = gets(TARGET, b"ready")
    assert accused(banner, *EXCHANGE, transport="stdio") == ["KRN-FRM-01"]
    assert accused(banner, *EXCHANGE, transport="unix") == []
    assert accused(banner, of("exit", code=0), transport="stdio") == []


def test_a_host_that_ends_by_a_fault_is_left_to_the_rules_about_its_calls() -> None:
    events = of("ending"), of("signal", signal="SIGTERM"), of("exit", signal="SIGSEGV")
    assert accused(*events, transport="unix") == ["KRN-SHD-01"]
    assert accused(*events, transport="embedded") == []
