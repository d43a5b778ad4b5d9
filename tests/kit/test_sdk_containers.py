"""The cases of an SDK on its docker backend, told from what the kit asks of the adapter; no engine takes part."""

from __future__ import annotations

import os
import stat
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import patience
from pytest_stdiobus.kit.case import DOCKER, Case, bundled_cases, steps, transports_of
from pytest_stdiobus.kit.drivers import container
from pytest_stdiobus.kit.drivers.container import Containers
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.patience import ANSWER, CONTAINED, Patience
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK, Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_stdiobus.kit.drivers.scripted import ScriptedWorkers

# A client whose container is a process, which finds what is mounted at the place that it is lent from. It is the kernel
# itself, with one worker, unless it is told to start another: then it is a client of that one.
ADAPTER = textwrap.dedent("""
    import json, os, socket, subprocess, sys

    def opened(command):
        if command["kernel"] == "deaf-image":
            return {}
        if command["kernel"] != "my-image":
            return {"error": {"name": "TRANSPORT_ERROR", "message": f"no image {command['kernel']}"}}
        (volume,) = [word for word in command["extra_args"] if word.startswith("--volume=")]
        outside, inside = volume.partition("=")[2].split(":")
        def here(text):
            return text.replace(inside, outside).replace("python3", sys.executable)
        if f"--entrypoint={inside}/kernel" in command["extra_args"]:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            with open("config.json", "w") as file:
                json.dump(command["config"], file)
            with open(f"{outside}/kernel") as file:
                words = ["/bin/sh", "-c", here(file.read()), "kernel", "--config", "config.json", "--tcp", f"127.0.0.1:{port}"]
            kernel = subprocess.Popen(words, stderr=subprocess.PIPE)
            kernel.stderr.readline()
            connection = socket.create_connection(("127.0.0.1", port))
            streams[:] = connection.makefile("rb"), connection.makefile("wb"), connection
        else:
            (pool,) = command["config"]["pools"]
            words = [here(word) for word in (pool["command"], *pool["args"])]
            worker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            streams[:] = worker.stdout, worker.stdin
        return {}

    def answered(call):
        if call["method"] == "lost":
            return None
        ask = {"jsonrpc": "2.0", "id": "1", "method": call["method"]}
        output, input, *_ = streams
        input.write(json.dumps(ask).encode() + b"\\n")
        input.flush()
        return json.loads(output.readline())["result"]

    streams = []
    about = {"name": "tiny", "version": "1", "language": "python", "backends": ["docker"], "capabilities": ["request"]}
    for line in sys.stdin:
        command = json.loads(line)
        name = command["command"]
        if name == "call":
            told = {"call": command["id"], "event": "result", "value": answered(command)}
        elif name == "exit":
            break
        else:
            more = {"describe": lambda: about, "open": lambda: opened(command), "close": dict}
            told = {"answer": name, **more.get(name, lambda: {"unsupported": True})()}
            while name == "close" and streams:
                streams.pop().close()
        print(json.dumps(told), flush=True)
""")
ASK = {"call": "q", "send": {"op": "request", "method": "m"}}
RESULT = {"jsonrpc": "2.0", "id": {"$from": "got/id"}, "result": 7}
ANSWERED = {"call": "q", "next": {"event": "result", "value": 7}}
ASKED = (ASK, {"pool": "w", "next": {"method": "m"}, "as": "got"}, {"worker": "got", "send": RESULT}, ANSWERED)
CONFIGURED = {"$schema": {"required": ["pools"]}}
STOOD_IN = (
    {"kernel": "main", "starts": 1, "as": "started"},
    {"line": "started", "is": {"config": CONFIGURED}},
    ASK,
    {"kernel": "main", "next": {"method": "m"}, "as": "got"},
    {"kernel": "main", "send": RESULT},
    ANSWERED,
)
CASE = Case("sdk/test/asked", "Asks in a container", ("SDK-WIR-01",), SDK, steps(ASKED, "SDK-WIR-01"), transport=DOCKER)


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine that does nothing, and notes what it is asked."""
    program, asked = tmp_path / "engine", tmp_path / "asked"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n[ "$1" != ps ] || echo one two\n', encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(container, "ENGINE", str(program))
    return program


@pytest.fixture
def tiny(tmp_path: Path) -> Target:
    program = tmp_path / "adapter.py"
    program.write_text(ADAPTER, encoding="utf-8")
    return Target("tiny", (sys.executable, "-S", str(program)), subject=SDK)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[ScriptedWorkers]:
    pump = Pump(History())
    workers = Containers().workers(pump, str(tmp_path))
    yield workers
    workers.close()
    pump.close()


def test_the_workers_in_a_container_are_those_of_the_kit(tiny: Target) -> None:
    with Runner(tiny, Options(image="my-image")) as runner:
        result = runner.run_case(CASE)
    assert result.outcome is Outcome.PASS, result.findings


def test_the_kernel_in_a_container_is_that_of_the_kit_where_the_case_is_about_one(tiny: Target) -> None:
    with Runner(tiny, Options(image="my-image")) as runner:
        result = runner.run_case(replace(CASE, steps=steps(STOOD_IN, "SDK-WIR-01")))
    assert result.outcome is Outcome.PASS, result.findings


@pytest.mark.parametrize("opens_itself", [False, True])
def test_what_does_not_open_with_an_image_is_held_against_nobody(tiny: Target, opens_itself: bool) -> None:
    """Also where a case expects that the start fails."""
    (case,) = (
        case for case in bundled_cases() if case.id == "sdk/start/configuration-that-is-refused[no-pools-docker]"
    )
    with Runner(tiny, Options(image="another")) as runner:
        result = runner.run_case(case if opens_itself else CASE)
    (found,) = result.findings
    assert found.outcome is Outcome.SKIPPED
    assert "no image another" in found.explanation


def test_an_image_without_what_the_kit_needs_is_held_against_nobody(tiny: Target, engine: Path) -> None:
    engine.write_text("#!/bin/sh\necho no such file >&2\nexit 127\n", encoding="utf-8")
    with Runner(tiny, Options(image="my-image")) as runner:
        (found,) = runner.run_case(CASE).findings
    assert found.outcome is Outcome.SKIPPED
    assert found.explanation.endswith("my-image cannot run python3 from /bin/sh, which the kit needs: no such file")


def test_a_client_that_has_started_before_a_kernel_has_seen_it_has_started_too_early(tiny: Target) -> None:
    case = replace(CASE, steps=steps(STOOD_IN[2:], "SDK-WIR-01"))
    with Runner(tiny, Options(image="deaf-image", time_scale=0.2)) as runner:
        found = {finding.requirement: finding.outcome for finding in runner.run_case(case).findings}
    assert found == {"SDK-STA-01": Outcome.FAIL, "SDK-WIR-01": Outcome.UNTESTABLE}


def test_what_gets_lost_on_the_way_into_a_container_is_not_held_against_the_row_of_the_case(tiny: Target) -> None:
    lost = steps(({**ASK, "send": {"op": "request", "method": "lost"}}, *ASKED[1:]), "SDK-WIR-01")
    with Runner(tiny, Options(image="my-image", time_scale=0.2)) as runner:
        found = {finding.requirement: finding for finding in runner.run_case(replace(CASE, steps=lost)).findings}
    assert found["SDK-WIR-01"].outcome is Outcome.UNTESTABLE
    assert "no worker in the container has read anything" in found["SDK-WIR-01"].explanation


def test_a_user_of_the_container_reaches_the_workers_and_one_of_this_machine_does_not(
    shared: ScriptedWorkers, tmp_path: Path
) -> None:
    modes = {
        name: stat.S_IMODE(os.stat(os.path.join(shared.folder, name)).st_mode) for name in os.listdir(shared.folder)
    }
    assert modes == {"scripted.py": 0o644, "workers": 0o666}
    assert stat.S_IMODE(os.stat(shared.folder).st_mode) == 0o755
    assert os.path.dirname(shared.folder) == str(tmp_path)  # which is its owner's alone, as the seat makes it


def test_a_case_that_is_not_played_in_a_container_says_why(tiny: Target) -> None:
    with Runner(tiny, Options(transports=(DOCKER,))) as runner:
        told = {case.id: runner.run_case(case) for case in runner.cases if case.requirements[0] == "SDK-BIN-01"}
        native = next(case for case in runner.cases if case.id == "sdk/threads/without-a-reader[docker]")
        (found,) = runner.run_case(native).findings
    assert {result.outcome for result in told.values()} == {Outcome.NOT_APPLICABLE}
    assert {finding.explanation for result in told.values() for finding in result.findings} == {
        "it is about a kernel that is a file on this machine: it is played on scripted"
    }
    assert found.explanation.endswith("it is played on native")


def test_every_case_is_played_in_a_container_or_says_why_not() -> None:
    found = [case for case in bundled_cases() if case.subject == SDK]
    assert [case.id for case in found if (DOCKER in transports_of(case)) == bool(case.not_on_docker)] == []


def test_docker_is_played_only_where_it_is_asked_for(tiny: Target) -> None:
    assert not [case for case in Runner(tiny).cases if case.transport == DOCKER]


def test_the_containers_that_are_left_are_removed(tmp_path: Path) -> None:
    unused, used = Containers(), Containers()
    used.extra_args(str(tmp_path), stand_in=False)
    unused.remove()
    used.remove()
    listed = f"ps --all --quiet --filter=label={used.label}"
    assert (tmp_path / "asked").read_text(encoding="utf-8").splitlines() == [listed, "rm --force --volumes one two"]


def test_an_engine_has_longer_for_a_container_than_a_client_for_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Patience().wait(CONTAINED).seconds > Patience().wait(ANSWER).seconds
    program = tmp_path / "adapter.py"
    slow = ADAPTER.replace("def opened(command):", "def opened(command):\n    import time; time.sleep(1)")
    program.write_text(slow, encoding="utf-8")
    monkeypatch.setitem(patience._FULL_S, CONTAINED, 0.1)  # as the limit that counts, and no other
    with Runner(Target("tiny", (sys.executable, "-S", str(program)), subject=SDK), Options(image="my-image")) as runner:
        (found,) = runner.run_case(CASE).findings
    assert found.explanation.endswith("no answer to open came in time")
