"""The bundled workers, run as plain files, hold the worker contract."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.data import data_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUND_SEC = 20
WORKERS = ["echo", "stream"]


class Worker:
    """A worker on pipes."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def send(self, *lines: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(line + b"\n" for line in lines))
        self.process.stdin.flush()

    def next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        message: dict[str, Any] = json.loads(self.process.stdout.readline())
        return message

    def end(self) -> tuple[list[dict[str, Any]], int]:
        output, _ = self.process.communicate(timeout=BOUND_SEC)
        return [json.loads(line) for line in output.splitlines()], self.process.returncode


@pytest.fixture(params=WORKERS)
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    worker = Worker(str(data_dir() / "workers" / f"{request.param}.py"))
    yield worker
    with worker.process as process:
        process.kill()


@pytest.fixture
def echo() -> Iterator[Worker]:
    worker = Worker(str(data_dir() / "workers" / "echo.py"))
    yield worker
    with worker.process as process:
        process.kill()


def stream_request(**members: Any) -> bytes:
    request = {"jsonrpc": "2.0", "id": 1, "method": "stream", "params": {"prompt": " a\nb  c "}}
    return json.dumps({**request, **members}).encode()


def test_chunks_precede_the_response_and_add_up_to_the_prompt(worker: Worker) -> None:
    worker.send(stream_request(sessionId="s"))
    messages, status = worker.end()
    *chunks, response = messages
    assert [message["method"] for message in chunks] == ["session/update"] * (len(messages) - 1)
    updates = [chunk["params"]["update"] for chunk in chunks]
    assert "".join(update["content"]["text"] for update in updates) == " a\nb  c "
    assert {update["sessionUpdate"] for update in updates} == {"agent_message_chunk"}
    assert [message["sessionId"] for message in messages] == ["s"] * len(messages)
    assert {chunk["params"]["sessionId"] for chunk in chunks} == {"s"}
    assert (response["id"], response["result"]) == (1, {"stopReason": "end_turn"})
    assert status == 0


def test_the_agents_own_session_is_named_in_params(worker: Worker) -> None:
    worker.send(stream_request(sessionId="client", params={"prompt": "x", "sessionId": "agent"}))
    chunk, response = worker.end()[0]
    assert (chunk["sessionId"], chunk["params"]["sessionId"], response["sessionId"]) == ("client", "agent", "client")


@pytest.mark.parametrize("value", [0, "0", 1.5, None, "é\ud800"])
def test_the_id_is_repeated_with_its_type(worker: Worker, value: Any) -> None:
    worker.send(stream_request(id=value, params={"prompt": ""}))
    messages, _ = worker.end()
    assert [message["id"] for message in messages] == [value]


def test_without_a_session_none_is_invented(worker: Worker) -> None:
    worker.send(stream_request())
    assert all("sessionId" not in message for message in worker.end()[0])


def test_unknown_members_change_nothing(worker: Worker) -> None:
    worker.send(stream_request(agentId="a", _ext={"x": 1}, pool="p", params={"prompt": "", "more": []}))
    assert worker.end()[0][0]["result"] == {"stopReason": "end_turn"}


def test_nonsense_never_ends_it(worker: Worker) -> None:
    harmless = [b"", b"   ", b'{"id":1,"result":{}}', b'{"method":"stream"}', b'{"n":' + b"9" * 10_000 + b"}"]
    wrong = [b"garbage", b"[]", b"1", b'{"id":', b"\xff\xfe", b"[" * 100_000, b'{"id":1,"method":NaN}']
    worker.send(*harmless, *wrong, stream_request(id="last", params={"prompt": ""}) + b"\r")
    *errors, last = worker.end()[0]
    assert last["result"] == {"stopReason": "end_turn"}
    assert {error["error"]["code"] for error in errors} <= {-32700, -32600}
    assert {error["id"] for error in errors} <= {None}


def test_a_message_at_the_end_without_its_lf_is_answered(echo: Worker) -> None:
    output, _ = echo.process.communicate(b'{"id":1,"method":"m"}', timeout=BOUND_SEC)
    assert json.loads(output) == {"jsonrpc": "2.0", "id": 1, "result": {"echo": None}}


def test_lines_of_many_megabytes_pass(echo: Worker) -> None:
    text = "é" * 3_000_000
    line = json.dumps({"id": 1, "method": "m", "params": [text]}, ensure_ascii=False).encode() + b"\n"
    output, _ = echo.process.communicate(line, timeout=BOUND_SEC)
    assert json.loads(output)["result"]["echo"] == [text]


def test_sigterm_ends_it_with_status_0(worker: Worker) -> None:
    worker.send(stream_request(params={"prompt": ""}))
    worker.next()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(BOUND_SEC) == 0


def test_what_has_arrived_before_sigterm_is_answered(echo: Worker) -> None:
    echo.send(b'{"id":0,"method":"m"}')
    echo.next()
    os.kill(echo.process.pid, signal.SIGSTOP)
    echo.send(*[b'{"id":%d,"method":"m"}' % number for number in range(1, 50)])
    os.kill(echo.process.pid, signal.SIGTERM)
    os.kill(echo.process.pid, signal.SIGCONT)
    assert echo.process.wait(BOUND_SEC) == 0
    assert [message["id"] for message in echo.end()[0]] == list(range(1, 50))


def test_a_reader_that_left_ends_it_quietly(echo: Worker) -> None:
    assert echo.process.stdout is not None
    echo.process.stdout.close()
    echo.send(b'{"id":1,"method":"m"}')
    assert echo.process.wait(BOUND_SEC) == 0
    assert echo.process.stderr is not None
    assert echo.process.stderr.read() == b""


@pytest.mark.parametrize("params", [None, [], {}, {"prompt": 1}])
def test_stream_refuses_a_prompt_that_is_no_text(params: Any) -> None:
    worker = Worker(str(data_dir() / "workers" / "stream.py"))
    worker.send(stream_request(params=params))
    assert worker.end()[0][0]["error"]["code"] == -32602


def test_stream_refuses_an_unknown_method() -> None:
    worker = Worker(str(data_dir() / "workers" / "stream.py"))
    worker.send(stream_request(method="dance", sessionId="s"))
    assert worker.end()[0][0]["error"]["code"] == -32601


@pytest.mark.parametrize("name", WORKERS)
def test_they_run_as_modules_too(name: str) -> None:
    worker = Worker("-m", f"pytest_stdiobus.workers.{name}")
    worker.send(stream_request(params={"prompt": "x"}))
    assert worker.end()[0][-1]["result"] == {"stopReason": "end_turn"}


def test_a_number_beyond_doubles_is_refused_since_it_could_not_be_written_again(echo: Worker) -> None:
    echo.send(
        b'{"id":1,"method":"m","params":[1e999]}',
        b'{"id":-1e999,"method":"m"}',
        b'{"id":2,"method":"m","params":[1e2]}',
    )
    messages, _ = echo.end()
    assert [(message["id"], message.get("error", {}).get("code")) for message in messages] == [
        (None, -32700),
        (None, -32700),
        (2, None),
    ]


def test_echo_does_not_know_the_methods_that_json_rpc_keeps_for_itself(echo: Worker) -> None:
    echo.send(b'{"id":1,"method":"rpc.discover"}', b'{"id":2,"method":"rpc"}')
    refused, answered = echo.end()[0]
    assert refused["error"]["code"] == -32601
    assert answered["result"] == {"echo": None}


@pytest.mark.skipif(sys.platform == "win32", reason="the peers read a pipe with asyncio")
@pytest.mark.parametrize("peer", ["acp_agent", "mcp_server"])
def test_a_peer_refuses_an_id_that_it_could_not_write(peer: str) -> None:
    line = b'{"jsonrpc":"2.0","id":1e999,"method":"x"}\n'
    command = [sys.executable, str(data_dir() / "workers" / f"{peer}.py")]
    ended = subprocess.run(command, input=line, capture_output=True, timeout=60, check=True)
    (answer,) = map(json.loads, ended.stdout.splitlines())
    assert answer == {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "not JSON"}}
