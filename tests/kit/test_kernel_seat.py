"""The kit at both ends of a kernel: clients on one side, scripted workers on the other."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus.backends.binary import resolve_binary
from pytest_stdiobus.kit.attend import Attendant
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import steps
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.kernel import KernelSeat
from pytest_stdiobus.kit.drivers.kernel_clients import KernelClients
from pytest_stdiobus.kit.history import TARGET, History
from pytest_stdiobus.kit.patience import Patience
from pytest_stdiobus.kit.play import Player
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.supervisor import Supervisor
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.kit.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONE = {"pools": [{"id": "w", "worker": "scripted", "instances": 1}]}
TWO = {"pools": [{"id": "w", "worker": "scripted", "instances": 2}]}
SERVERS = ["unix", "tcp"]


@pytest.fixture
def played() -> Iterator[Callable[..., History]]:
    """``played(transport, config, *steps)``: the history; every step must have been met, and the kernel have ended well."""
    with Supervisor() as supervisor:

        def run(transport: str, config: dict[str, Any], *data: dict[str, Any]) -> History:
            history, patience = History(), Patience(4)
            target = Target("reference", (resolve_binary("").path,))
            seat = KernelSeat(target, history, supervisor, patience, config=config, transport=transport)
            planned = steps(data, "KRN-COR-02")
            Player(seat, Walk(history, Bindings({})), patience, Attendant("bus", planned)).play(planned)
            judged = Walk(history, Bindings({}))
            markers = {event.facts["index"]: event.n for event in history.of_kind("step")}
            for index, step in enumerate(planned):
                if not step.acts:
                    reading = judged.give_up(step, markers[index])
                    assert reading.outcome == "met", (index, reading.why, history.events)
                elif "as" in step.more:
                    caused = next(event for event in history.events if event.facts.get("step") == index)
                    judged.bindings.bind(step.more["as"], caused)
            (ended,) = (event for event in history.of_kind("exit") if event.actor == TARGET)
            assert ended.facts.get("code") == 0, history.events
            assert not list(history.of_kind("orphans"))
            return history

        yield run


@pytest.mark.parametrize("transport", ["stdio", *SERVERS])
def test_a_request_goes_to_a_worker_and_its_response_comes_back(played: Callable[..., History], transport: str) -> None:
    played(
        transport,
        ONE,
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "s"}, "as": "q"},
        {"pool": "w", "next": {"bytes": {"$from": "q"}}, "as": "got"},
        {"worker": "got", "send": {"jsonrpc": "2.0", "id": 1, "result": "r", "sessionId": "s"}},
        {"client": "alice", "next": {"id": 1, "result": "r"}},
    )


@pytest.mark.parametrize("transport", SERVERS)
def test_two_clients_and_two_workers_are_told_apart(played: Callable[..., History], transport: str) -> None:
    played(
        transport,
        TWO,
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "a"}, "as": "qa"},
        {"pool": "w", "find": {"bytes": {"$from": "qa"}}, "as": "a"},
        {"client": "bob", "send": {"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "b"}, "as": "qb"},
        {"pool": "w", "find": {"bytes": {"$from": "qb"}}, "as": "b"},
        {"assume": {"distinct": ["a/worker", "b/worker"]}},
        {"worker": "b", "send": {"jsonrpc": "2.0", "id": 1, "result": "for bob", "sessionId": "b"}},
        {"client": "bob", "next": {"id": 1, "result": "for bob"}},
        {"worker": "a", "send": {"jsonrpc": "2.0", "id": 1, "result": "for alice", "sessionId": "a"}},
        {"client": "alice", "next": {"id": 1, "result": "for alice"}},
    )


@pytest.mark.parametrize("transport", ["stdio", *SERVERS])
def test_a_worker_that_dies_is_seen_and_the_next_one_has_its_place(
    played: Callable[..., History], transport: str
) -> None:
    history = played(
        transport,
        ONE,
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "s"}, "as": "q"},
        {"pool": "w", "next": {"bytes": {"$from": "q"}}, "as": "got"},
        {"worker": "got", "kill": True},
        {"client": "alice", "next": {"id": 1, "$schema": {"required": ["error"]}}},
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 2, "method": "m", "sessionId": "s"}, "as": "again"},
        {"pool": "w", "next": {"bytes": {"$from": "again"}}, "as": "other"},
        {"worker": "other", "send": {"jsonrpc": "2.0", "id": 2, "result": "r", "sessionId": "s"}},
        {"client": "alice", "next": {"id": 2, "result": "r"}},
    )
    assert [event.actor for event in history.of_kind("open") if event.actor.startswith("worker:")] == [
        "worker:w/0#1",
        "worker:w/0#2",
    ]


@pytest.mark.parametrize("transport", SERVERS)
def test_a_client_may_end_its_input_and_still_be_answered(played: Callable[..., History], transport: str) -> None:
    played(
        transport,
        ONE,
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "s"}, "as": "q"},
        {"client": "alice", "half_close": True},
        {"pool": "w", "next": {"bytes": {"$from": "q"}}, "as": "got"},
        {"worker": "got", "send": {"jsonrpc": "2.0", "id": 1, "result": "r", "sessionId": "s"}},
        {"client": "alice", "next": {"id": 1, "result": "r"}},
    )


@pytest.mark.parametrize("transport", SERVERS)
def test_a_client_sees_that_it_was_closed(played: Callable[..., History], transport: str) -> None:
    played(
        transport,
        ONE,
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 1, "method": "m"}},
        {"pool": "w", "next": {"id": 1}, "as": "got"},
        {"client": "alice", "half_close": True},
        {"worker": "got", "send": {"jsonrpc": "2.0", "id": 1, "result": "r"}, "as": "sent"},
        {"client": "alice", "next": {"id": 1}, "as": "answer"},
        {"line": "answer", "is": {"result": "r"}},
        {"client": "alice", "ends": True},
    )


def test_a_request_that_a_case_leaves_open_does_not_keep_the_kernel(played: Callable[..., History]) -> None:
    """It drains for a minute, which the kit does not wait for, unless the worker that owes the answer exits."""
    history = played(
        "unix",
        {**ONE, "limits": {"drain_timeout_sec": 60}},
        {"client": "alice", "send": {"jsonrpc": "2.0", "id": 1, "method": "m"}},
        {"pool": "w", "next": {"id": 1}},
    )
    signals = [event for event in history.of_kind("signal") if event.actor == TARGET]
    assert [event.facts["signal"] for event in signals] == ["SIGTERM"]


def test_nobody_reads_the_kernels_log_while_it_is_stalled(played: Callable[..., History]) -> None:
    history = played(
        "unix",
        ONE,
        {"target": "stderr", "stall": True},
        {"client": "alice", "send": {"raw": "no message\n"}},
        {"client": "alice", "next": {"id": None}},
        {"target": "stderr", "resume": True},
    )
    stalled, resumed = (event.n for event in history.of_kind("stall", "resume"))
    assert not [event for event in history.of_kind("stderr") if stalled < event.n < resumed]


def started(*data: dict[str, Any], config: Any, arguments: tuple[str, ...] | None = None) -> History:
    """The history of a kernel on stdio; its cases are met or not."""
    history, patience, planned = History(), Patience(4), steps(data, "KRN-CFG-02")
    with Supervisor() as supervisor:
        target = Target("reference", (resolve_binary("").path,))
        seat = KernelSeat(target, history, supervisor, patience, config=config, transport="stdio", arguments=arguments)
        Player(seat, Walk(history, Bindings({})), patience, Attendant("bus", planned)).play(planned)
    return history


@pytest.mark.parametrize("config", ["{", {"pools": []}, {"pools": "none"}, {"pools": [{"id": "w"}], "limits": 3}, []])
def test_a_kernel_may_refuse_what_is_no_configuration(config: Any) -> None:
    history = started({"target": "process", "next": {"exit": {"code": 1}}}, config=config)
    (ended,) = history.of_kind("exit")
    assert ended.facts["code"] == 1


def test_a_case_may_have_its_own_command_line() -> None:
    history = started(
        {"target": "process", "next": {"exit": {"code": 0}}},
        config=ONE,
        arguments=("--config", "config.json", "--check"),
    )
    (ended,) = (event for event in history.of_kind("exit") if event.actor == TARGET)
    assert ended.facts["code"] == 0
    assert not [event for event in history.of_kind("open") if event.actor.startswith("worker:")]


def test_a_listener_that_accepts_nobody_is_not_waited_for_without_end(tmp_path: Path) -> None:
    pump = Pump(History())
    clients = KernelClients(pump, str(tmp_path), "unix")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(clients.path)
        listener.listen(0)
        with contextlib.ExitStack() as waiting:
            for _ in range(2):  # more than its queue holds
                early = waiting.enter_context(socket.socket(socket.AF_UNIX))
                early.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    early.connect(clients.path)
            channel = clients.channel("client:late", Channel(TARGET), has_exited=lambda: True)
    assert channel.ended
    assert [event.facts["what"] for event in pump.history.of_kind("harness")] == ["connect"]
