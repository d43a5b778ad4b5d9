"""Adapters that lie, crash, hang or flood: they are named, cost their own case, and leave nothing running."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.case import Case, steps
from pytest_stdiobus.kit.drivers.adapter_process import Adapters
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK, Target

from .conftest import is_running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.kit.drivers.adapter_process import AdapterProcess
    from pytest_stdiobus.kit.pump import Pump
    from pytest_stdiobus.kit.result import CaseResult

PRELUDE = textwrap.dedent("""
    import json, os, signal, sys, time

    def say(**what):
        print(json.dumps(what), flush=True)

    def done(call):
        say(call=call["id"], event="result", value=1)

    def serve(on_call=done, on_open=lambda command: say(answer="open"), **more):
        about = {"name": "tiny", "version": "1", "language": "python", "backends": ["subprocess"], "capabilities": ["request"]}
        for line in sys.stdin:
            command = json.loads(line)
            name = command["command"]
            if name == "describe":
                say(answer=name, **{**about, **more})
            elif name == "open":
                on_open(command)
            elif name == "close":
                say(answer=name)
            elif name == "call":
                on_call(command)
            elif name == "exit":
                break
            else:
                say(answer=name, unsupported=True)
""")
ASK = {"call": "q", "send": {"op": "request", "method": "m"}}
IN_POOL = {"call": "q", "send": {"op": "request", "method": "m", "pool": "w"}}
ANSWERED = {"call": "q", "next": {"event": "result", "value": 1}}
HONEST = "serve()"


def small(*data: dict[str, Any], transport: str = "scripted") -> Case:
    requirements = ("SDK-WIR-01",)
    played = steps(data or (ASK, ANSWERED), requirements[0])
    return Case("sdk/test/small", "A small case of a test", requirements, SDK, played, transport=transport)


START = replace(
    small(
        {"target": "adapter", "send": {"command": "open"}},
        {
            "target": "adapter",
            "next": {"answer": "open", "error": {"name": "TRANSPORT_ERROR", "message": "no kernel on PATH"}},
        },
    ),
    prelude=False,
)


@pytest.fixture
def played(tmp_path: Path) -> Callable[..., list[CaseResult]]:
    """``played(code, *cases)``: what they come to; no process that was started may be left."""

    def run(code: str, *cases: Case, time_scale: float = 0.4) -> list[CaseResult]:
        program = tmp_path / "adapter.py"
        program.write_text(PRELUDE + textwrap.dedent(code), encoding="utf-8")
        target = Target("tiny", (sys.executable, "-S", str(program)), subject=SDK)
        with Runner(target, Options(time_scale=time_scale)) as runner:
            results = [runner.run_case(case) for case in cases or [small()]]
        histories = [result.history for result in results if result.history is not None]
        started = {event.facts["pid"] for history in histories for event in history.of_kind("spawn")}
        assert not [pid for pid in started if is_running(pid)]
        return results

    return run


def test_an_honest_adapter_is_not_accused(played: Callable[..., list[CaseResult]]) -> None:
    (result,) = played(HONEST)
    assert result.outcome is Outcome.PASS, result.findings


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("serve(lambda call: say(call='other', event='result', value=1))", "is of a call that nobody made"),
        ("serve(lambda call: (done(call), done(call)))", "comes after the end of its call"),
        ("serve(lambda call: print('hello', flush=True))", "is no JSON object"),
        ("serve(lambda call: say(call=call['id'], event='dance'))", "is neither an answer nor an event"),
        ("serve(lambda call: say(call=call['id'], event='result'))", "a value or an error is missing"),
        ("serve(lambda call: say(answer='open'))", "answers a command that was not given"),
        ("serve(lambda call: say(call=call['id'], event='unsupported'))", "describes an op and refuses it"),
        ("serve(lambda call: sys.exit('out of memory'))", "exited with status 1 in the middle of the case; its last words: out of"),
        ("serve(backends='all')", "answer to describe is none"),
        ("sys.stdout.write('hel'); sys.stdout.flush(); os.kill(os.getpid(), 11)", "is silent: it did not answer describe"),
        ("time.sleep(60)", "is silent: it did not answer describe"),
        ("for line in sys.stdin: say(answer=json.loads(line)['command'], unsupported=True)", "does not describe its SDK"),
    ],
)  # fmt: skip
def test_an_adapter_that_lies_is_named(played: Callable[..., list[CaseResult]], code: str, told: str) -> None:
    (result,) = played(code)
    assert {finding.outcome for finding in result.findings} == {Outcome.HARNESS_ERROR}
    assert "the adapter" in result.findings[0].explanation
    assert told in result.findings[0].explanation


def test_an_adapter_without_end_is_named(played: Callable[..., list[CaseResult]]) -> None:
    (result,) = played("serve(lambda call: sys.stdout.write('x' * 100_000_000))", time_scale=8)
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "the adapter writes on and on" in result.findings[0].explanation


def test_an_adapter_that_accepts_every_command_lies(played: Callable[..., list[CaseResult]]) -> None:
    code = """
        serve_others = serve
        def obey(command):
            say(answer=command["command"])
        for line in sys.stdin:
            command = json.loads(line)
            if command["command"] == "describe":
                say(answer="describe", name="t", version="1", language="l", backends=["subprocess"], capabilities=[])
            else:
                obey(command)
    """
    (result,) = played(code)
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "the adapter lies" in result.findings[0].explanation


def test_what_ends_an_adapter_by_a_signal_may_be_its_sdk(played: Callable[..., list[CaseResult]]) -> None:
    (result,) = played("serve(lambda call: os.kill(os.getpid(), signal.SIGSEGV))")
    assert result.outcome is Outcome.FAIL
    assert "ended by SIGSEGV" in result.failures[0].explanation


def test_a_call_that_hangs_costs_its_own_case(played: Callable[..., list[CaseResult]]) -> None:
    code = """
        def hang(call):
            time.sleep(60) if call["method"] == "hang" else done(call)
        serve(hang)
    """
    stuck = small({"call": "q", "send": {"op": "request", "method": "hang"}}, ANSWERED)
    before, hung, after = played(code, small(), stuck, small(), time_scale=0.2)
    assert [before.outcome, hung.outcome, after.outcome] == [Outcome.PASS, Outcome.FAIL, Outcome.PASS]


def test_a_client_that_does_not_open_is_not_asked_anything(played: Callable[..., list[CaseResult]]) -> None:
    (result,) = played("serve(on_open=lambda _: say(answer='open', error={'name': 'TRANSPORT_ERROR'}))")
    found = {finding.requirement: finding.outcome for finding in result.findings}
    assert found == {"SDK-STA-01": Outcome.FAIL, "SDK-WIR-01": Outcome.UNTESTABLE}


@pytest.mark.parametrize(
    ("code", "case", "told"),
    [
        (HONEST, small(transport="native"), "describes no backend native"),
        ("serve(capabilities=[])", small(), "does not describe the capability request"),
        (
            "serve(lambda call: say(call=call['id'], event='unsupported'))",
            small(IN_POOL, ANSWERED),
            "has not what is asked",
        ),
    ],
)
def test_what_an_sdk_has_not_is_not_asked_of_it(
    played: Callable[..., list[CaseResult]], code: str, case: Case, told: str
) -> None:
    (result,) = played(code, case)
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert told in result.findings[0].explanation


def test_a_kernel_that_is_not_here_is_no_failure_of_an_sdk(played: Callable[..., list[CaseResult]]) -> None:
    code = """
        def look_for(command):
            found = {} if "kernel" in command else {"error": {"name": "TRANSPORT_ERROR", "message": "no kernel on PATH"}}
            say(answer="open", **found)
        serve(on_open=look_for)
    """
    scripted, own, start = played(code, small(), small(transport="subprocess"), replace(START, transport="subprocess"))
    assert scripted.outcome is Outcome.PASS
    for result in (own, start):  # what expects that a start fails would pass for another reason
        assert result.outcome is Outcome.SKIPPED
        assert "no kernel on PATH" in result.findings[0].explanation


def pids(results: list[CaseResult]) -> list[int]:
    histories = [result.history for result in results if result.history is not None]
    return [event.facts["pid"] for history in histories for event in history.of_kind("spawn")]


def test_an_adapter_that_is_at_rest_serves_the_next_case(played: Callable[..., list[CaseResult]]) -> None:
    results = played(HONEST, small(), small())
    assert [result.outcome for result in results] == [Outcome.PASS, Outcome.PASS]
    assert len(set(pids(results))) == 1


def test_what_an_adapter_fails_that_served_before_is_played_with_a_fresh_one(
    played: Callable[..., list[CaseResult]],
) -> None:
    code = """
        opened = []
        def open_once(command):
            opened.append(command)
            say(answer="open", **({"error": {"name": "INVALID_STATE"}} if len(opened) > 1 else {}))
        serve(on_open=open_once)
    """
    results = played(code, small(), small(), small())
    assert [result.outcome for result in results] == [Outcome.PASS] * 3
    assert len(set(pids(results))) == 3


def test_a_call_that_is_open_when_its_case_ends_reaches_no_other(played: Callable[..., list[CaseResult]]) -> None:
    code = """
        late = []
        def obey(call):
            if call["method"] == "late":
                late.append(call)
            else:
                done(call)
                if late:
                    done(late.pop())
        serve(obey)
    """
    opens = small(ASK, ANSWERED, {"call": "l", "send": {"op": "request", "method": "late"}})
    results = played(code, opens, small())
    assert len(set(pids(results))) == 2
    assert results[1].outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("alone", "whose"),
    [("1", "sdk with its kernel"), ("2", "the sdk alone")],
)
def test_a_failure_behind_its_own_kernel_is_told_apart(
    played: Callable[..., list[CaseResult]], alone: str, whose: str
) -> None:
    code = f"""
        backend = []
        def remember(command):
            backend[:] = [command["backend"]]
            say(answer="open")
        def obey(call):
            say(call=call["id"], event="result", value={alone} if backend == ["subprocess"] else 3)
        serve(obey, remember, backends=["native", "subprocess"])
    """
    case = replace(small(transport="native"), id="sdk/test/small[native]", transports=("scripted", "native"))
    (result,) = played(code, case)
    assert [finding.outcome for finding in result.failures] == [Outcome.FAIL]
    assert whose in result.failures[0].explanation


def test_a_failure_is_not_laid_on_the_sdk_alone_where_that_fails_another_requirement(
    played: Callable[..., list[CaseResult]],
) -> None:
    code = """
        backend = []
        def remember(command):
            backend[:] = [command["backend"]]
            say(answer="open")
        def obey(call):
            say(call=call["id"], event="result", value=1 if (backend == ["subprocess"]) == (call["id"] == "q") else 3)
        serve(obey, remember, backends=["native", "subprocess"])
    """
    first = small(ASK, {"call": "r", "send": {"op": "request", "method": "m"}})
    answered = steps([ANSWERED], "SDK-WIR-02")[0]
    other = steps([{"call": "r", "next": {"event": "result", "value": 1}}], "SDK-WIR-01")[0]
    case = replace(
        first,
        id="sdk/test/small[native]",
        requirements=("SDK-WIR-01", "SDK-WIR-02"),
        steps=(*first.steps, answered, other),
        transport="native",
        transports=("scripted", "native"),
    )
    (result,) = played(code, case)
    assert [finding.requirement for finding in result.failures] == ["SDK-WIR-02"]
    assert "kernel" not in result.failures[0].explanation


def test_a_failure_of_an_sdk_that_takes_no_kernel_but_its_own_is_laid_on_neither(
    played: Callable[..., list[CaseResult]],
) -> None:
    code = """
        def begin(command):
            say(answer="open", **({} if command["backend"] == "native" else {"error": {"name": "NOT_SUPPORTED"}}))
        serve(lambda call: say(call=call["id"], event="result", value=3), begin, backends=["native"])
    """
    case = replace(small(transport="native"), id="sdk/test/small[native]", transports=("scripted", "native"))
    (result,) = played(code, case)
    assert [finding.outcome for finding in result.failures] == [Outcome.FAIL]
    assert "kernel" not in result.failures[0].explanation


def test_an_adapter_that_exits_before_it_is_listened_to_is_told_by_what_it_wrote(
    played: Callable[..., list[CaseResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Adapters.take

    def take_late(adapters: Adapters, target: Target, pump: Pump, on_exit: Callable[..., None]) -> AdapterProcess:
        one = take(adapters, target, pump, on_exit)
        pump.until(lambda: one.process.exit is not None, 10)
        return one

    monkeypatch.setattr(Adapters, "take", take_late)
    for code, told in (("print('hello', flush=True)", "wrote hello"), ("sys.exit('no room')", "last words: no room")):
        (result,) = played(code)
        assert told in result.findings[0].explanation
