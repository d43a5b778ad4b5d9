"""Where the two clients differ: what ours does, and what the published 2.2.1 was seen to do.

docs/how-to/migrate.md has one row per test, with the words of its mark; tests/test_docs.py compares them.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import inspect
import os
import signal
import subprocess
import sys
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.published.conftest import Client

pytestmark = pytest.mark.asyncio
difference = pytest.mark.difference

MANY_REQUESTS = Path(__file__).with_name("many_requests.py")
SAY = {"chunks": ["text"], "result": {}}
# Theirs may never answer; ours answers at once.
_SHORT_MS = 300
_CHILD_SEC = 6


async def outcome(work: Awaitable[Any]) -> Any:
    """The result, or the name of the exception's class."""
    try:
        return await asyncio.wait_for(work, 5)
    except Exception as error:  # noqa: BLE001 - whatever either client raises
        return type(error).__name__


async def events(stream: Any) -> list[str]:
    return ["result" if event.text is None else event.text async for event in stream]


# Errors


@difference(
    "the code of a worker's error", ours="`RemoteError` with the worker's code", theirs="`InternalError` with 99"
)
async def test_the_code_of_a_workers_error(client: Client) -> None:
    async with client.running() as bus:
        with pytest.raises(client.bus.InternalError) as caught:
            await bus.request("fail", {"code": -32601, "message": "m"})
    assert caught.value.code == client.sees(ours=-32601, theirs=99)


@difference(
    "a worker's error with code 3",
    ours="`RemoteError`",
    theirs="`TimeoutError`, the class of that code",
)
async def test_a_workers_error_with_a_canonical_code(client: Client) -> None:
    async with client.running() as bus:
        seen = await outcome(bus.request("fail", {"code": 3, "message": "m"}))
    assert seen == client.sees(ours="RemoteError", theirs="TimeoutError")


@difference(
    "`str()` of an error",
    ours="the message; a `RemoteError` adds its code",
    theirs="the name of the code, then the message",
)
async def test_the_text_of_an_error(names: Client) -> None:
    assert str(names.bus.TransportError("gone")) == names.sees(ours="gone", theirs="[TRANSPORT_ERROR] gone")


@difference(
    "builtin bases",
    ours="`TimeoutError` is the builtin too, `InvalidArgumentError` a `ValueError`",
    theirs="`StdioBusError` only",
)
async def test_builtin_bases_of_errors(names: Client) -> None:
    bases = (issubclass(names.bus.TimeoutError, TimeoutError), issubclass(names.bus.InvalidArgumentError, ValueError))
    assert bases == names.sees(ours=(True, True), theirs=(False, False))


@difference(
    "a configuration or option that can never work",
    ours="`InvalidArgumentError`",
    theirs="`ValueError` from some checks, `InvalidArgumentError` from others",
)
async def test_the_class_of_a_refusal(names: Client) -> None:
    seen = []
    for arguments in ({}, {"config": names.bus.BusConfig()}):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the class is what is compared
            names.bus.AsyncStdioBus(**arguments)
        seen.append(type(caught.value).__name__)
    assert seen == names.sees(ours=["InvalidArgumentError"] * 2, theirs=["InvalidArgumentError", "ValueError"])


@difference(
    "a configuration file that is missing",
    ours="refused when the bus is made",
    theirs="accepted when the bus is made",
)
async def test_a_missing_configuration_file(names: Client) -> None:
    try:
        names.make(config=None, config_path="/no/such/file")
        refused = False
    except names.bus.InvalidArgumentError:
        refused = True
    assert refused is names.sees(ours=True, theirs=False)


@difference("parameters that are not JSON", ours="`InvalidArgumentError`", theirs="`TypeError`; NaN and texts are sent")
async def test_parameters_that_are_not_json(client: Client) -> None:
    async with client.running() as bus:
        seen = [await outcome(bus.request("say", params)) for params in ({"a": object()},)]
        seen += [await outcome(bus.notify("plain", params)) for params in ({"a": float("nan")}, "text")]
    assert seen == client.sees(ours=["InvalidArgumentError"] * 3, theirs=["TypeError", None, None])


@difference("a timeout of 0 ms", ours="`InvalidArgumentError`", theirs="stands for the default")
async def test_a_timeout_of_zero(client: Client) -> None:
    async with client.running(timeout_ms=_SHORT_MS) as bus:
        seen = await outcome(bus.request("stay silent", timeout_ms=0))
    assert seen == client.sees(ours="InvalidArgumentError", theirs="TimeoutError")


# Messages


@difference("`{}` as parameters", ours="sent", theirs="left out")
async def test_empty_parameters(client: Client) -> None:
    async with client.running() as bus:
        wire = (await bus.request("wire", {}))["wire"]
    assert ("params" in wire) is client.sees(ours=True, theirs=False)


@difference("the ids of requests", ours='`"1"`, `"2"`, ...', theirs="random UUIDs")
async def test_the_ids_of_requests(client: Client) -> None:
    async with client.running() as bus:
        wire = (await bus.request("wire"))["wire"]
    assert len(wire["id"]) == client.sees(ours=1, theirs=36)


@difference(
    "`send` of a line that is not a JSON object",
    ours="`InvalidArgumentError`",
    theirs="native: False; subprocess: it is sent, and the kernel ends",
)
async def test_sending_what_is_not_json(client: Client) -> None:
    async with client.running(timeout_ms=_SHORT_MS) as bus:
        try:
            seen = bus.send("not JSON")
        except client.bus.InvalidArgumentError:
            seen = "refused"
        alive = await outcome(bus.request("say", {"chunks": [], "result": 7}))
    theirs = (False, 7) if client.backend == "native" else (True, "TransportError")
    assert (seen, alive) == client.sees(ours=("refused", 7), theirs=theirs)


@difference(
    "a worker's request that nobody handles", ours="answered with -32601; see `on_request`", theirs="not answered"
)
async def test_a_workers_request(client: Client) -> None:
    async with client.running() as bus:
        await bus.request("ask")
        answers = (await bus.request("answers"))["wire"]
    assert hasattr(bus, "on_request") is client.ours
    assert [answer["error"]["code"] for answer in answers] == client.sees(ours=[-32601], theirs=[])


@difference(
    "a pool for a call",
    ours="`pool=`, or the method as its id",
    theirs="no way to name it: native takes one, subprocess does not answer",
)
async def test_a_call_with_two_pools(client: Client) -> None:
    async with client.running(client.pool("a"), client.pool("b"), timeout_ms=_SHORT_MS) as bus:
        seen = await outcome(bus.request("echo", {"n": 1}))
        named = await outcome(bus.request("echo", {"n": 1}, pool="b")) if client.ours else None
    theirs = {"echo": {"n": 1}} if client.backend == "native" else "TimeoutError"
    assert seen == client.sees(ours="InvalidArgumentError", theirs=theirs)
    assert named == client.sees(ours={"echo": {"n": 1}}, theirs=None)


@difference("a response above 64 KiB", ours="arrives", theirs="native: arrives; subprocess: the request times out")
async def test_a_large_response(client: Client) -> None:
    async with client.running(timeout_ms=1_000) as bus:
        seen = await outcome(bus.request("swell", {"bytes": 100_000}))
    arrived = {"text": "x" * 100_000}
    assert seen == client.sees(ours=arrived, theirs=arrived if client.backend == "native" else "TimeoutError")


# Streams and subscriptions


@difference("a second stream on another session", ours="runs", theirs="`InvalidStateError`")
async def test_a_second_stream_on_another_session(client: Client) -> None:
    async with client.running() as bus:
        first = events(bus.stream_request("hold", session_id="a", timeout_ms=_SHORT_MS))
        second = events(bus.stream_request("say", SAY, session_id="b"))
        seen = await asyncio.gather(outcome(first), outcome(second))
    assert seen[1] == client.sees(ours=["text", "result"], theirs="InvalidStateError")


@difference(
    "chunks of another session",
    ours="belong to the request of their session",
    theirs="are added to every pending request",
)
async def test_chunks_of_another_session(client: Client) -> None:
    async with client.running() as bus:
        held, _ = await asyncio.gather(bus.request("hold", session_id="a"), bus.request("say", SAY, session_id="b"))
    assert held.get("text") == client.sees(ours=None, theirs="text")


@difference("streams and subscriptions of `StdioBus`", ours="plain iterators", theirs="absent")
async def test_streams_without_await(client: Client) -> None:
    kind = client.bus.StdioBus
    offered = [hasattr(kind, name) for name in ("stream_request", "subscribe_notifications")]
    assert offered == client.sees(ours=[True, True], theirs=[False, False])
    if client.ours:
        bus = kind(**client.arguments())
        bus.start()
        try:
            subscription = bus.subscribe_notifications()
            assert [event.type for event in bus.stream_request("say", SAY)] == ["chunk", "result"]
            assert next(subscription)["method"] == "session/update"
        finally:
            bus.destroy()


@difference("`overflow` and `max_queue` of a subscription", ours="checked", theirs="any value is taken")
async def test_the_arguments_of_a_subscription(client: Client) -> None:
    async with client.running() as bus:
        seen = []
        for arguments in ({"overflow": "grow"}, {"max_queue": 0}):
            try:
                bus.subscribe_notifications(**arguments).close()
                seen.append("taken")
            except client.bus.InvalidArgumentError:
                seen.append("refused")
    assert seen == client.sees(ours=["refused"] * 2, theirs=["taken"] * 2)


# Handshake


@difference("`hello` to a worker that does not know it", ours="`NegotiationFailedError`", theirs="`InternalError`")
async def test_hello_to_a_worker_that_does_not_know_it(client: Client) -> None:
    async with client.running() as bus:
        seen = await outcome(bus.hello())
    assert seen == client.sees(ours="NegotiationFailedError", theirs="InternalError")


@difference("a required extension that is not active", ours="`NegotiationFailedError`", theirs="not checked")
async def test_a_required_extension_that_is_not_active(client: Client) -> None:
    required = {"missing": client.public("ExtensionInfo")(version="1.0", required=True)}
    async with client.running(client.pool("w", "hello")) as bus:
        seen = await outcome(bus.hello(client.bus.HelloParams(extensions=required)))
    assert (seen if isinstance(seen, str) else "agreed") == client.sees(ours="NegotiationFailedError", theirs="agreed")


# Life


@difference("the state before `start`", ours="CREATED", theirs="native: STOPPED; subprocess: CREATED")
async def test_the_state_before_start(client: Client) -> None:
    theirs = "STOPPED" if client.backend == "native" else "CREATED"
    assert client.make().get_state().name == client.sees(ours="CREATED", theirs=theirs)


@difference(
    "`notify` and `send` on a bus that does not run",
    ours="raise what `request` raises",
    theirs="nothing; `send` gives False",
)
async def test_notify_and_send_without_a_running_bus(client: Client) -> None:
    bus = client.make()
    notified = await outcome(bus.notify("plain"))
    try:
        sent = bus.send("{}")
    except client.bus.InvalidStateError:
        sent = "InvalidStateError"
    assert [notified, sent] == client.sees(ours=["InvalidStateError"] * 2, theirs=[None, False])


@difference("a request after `stop`", ours="`TransportError`", theirs="`InvalidStateError`")
async def test_a_request_after_stop(client: Client) -> None:
    async with client.running() as bus:
        await bus.request("echo")
        await bus.stop(0)
        seen = await outcome(bus.request("echo"))
    assert seen == client.sees(ours="TransportError", theirs="InvalidStateError")


@difference("the state after `stop(0)`", ours="STOPPED", theirs="native: STOPPING until `destroy`; subprocess: STOPPED")
async def test_the_state_after_stop(client: Client) -> None:
    async with client.running() as bus:
        await bus.request("echo")
        await bus.stop(0)
        seen = bus.get_state().name
    theirs = "STOPPING" if client.backend == "native" else "STOPPED"
    assert seen == client.sees(ours="STOPPED", theirs=theirs)


@difference(
    "`stop(1)` of an idle bus", ours="ends with its workers", theirs="native: ends; subprocess: takes the whole second"
)
async def test_the_time_to_stop(client: Client) -> None:
    async with client.running() as bus:
        await bus.request("echo")
        begin = time.monotonic()
        await bus.stop(1)
        whole = time.monotonic() - begin >= 1
    assert whole is client.sees(ours=False, theirs=client.backend == "subprocess")


@difference(
    "a worker that dies",
    ours="its requests fail with `TransportError`, and it is restarted",
    theirs="its requests time out; native: not restarted, subprocess: restarted",
)
async def test_a_worker_that_dies(client: Client) -> None:
    async with client.running(timeout_ms=_SHORT_MS) as bus:
        died = await outcome(bus.request("die"))
        after = await outcome(bus.request("say", {"chunks": [], "result": 7}, timeout_ms=3_000))
    theirs = ("TimeoutError", "TransportError" if client.backend == "native" else 7)
    assert (died, after) == client.sees(ours=("TransportError", 7), theirs=theirs)


@difference("a worker that cannot be started", ours="`start` raises `TransportError`", theirs="`start` succeeds")
async def test_a_worker_that_cannot_be_started(client: Client) -> None:
    bus = client.make(client.bus.PoolConfig("w", "/no/such/program"), timeout_ms=_SHORT_MS)
    try:
        seen = await outcome(bus.start())
    finally:
        bus.destroy()
    assert seen == client.sees(ours="TransportError", theirs=None)


@difference("several instances of a pool", ours="share the sessions", theirs="native: one serves all")
async def test_several_instances(client: Client) -> None:
    async with client.running(client.pool(instances=2)) as bus:
        for session in ("a", "b"):
            await bus.notify("mark", {"session": session}, options=client.bus.RequestOptions(session_id=session))
        heard = [len((await bus.request("notified", session_id=session))["wire"]) for session in ("a", "b")]
    assert heard == client.sees(ours=[1, 1], theirs=[2, 2] if client.backend == "native" else [1, 1])


@difference(
    "1,000 concurrent requests",
    ours="are answered",
    theirs="native: most are refused with `TransportError`; subprocess: block the event loop",
)
async def test_many_concurrent_requests(client: Client) -> None:
    seen = await asyncio.to_thread(_many_requests, client)
    theirs = "refused" if client.backend == "native" else "hangs"
    assert seen == client.sees(ours="answered", theirs=theirs)


# Names


@difference("a TCP port of 0", ours="the system chooses; `get_listen_address` tells", theirs="refused")
async def test_a_port_of_zero(names: Client) -> None:
    def listen() -> Any:
        return names.make(native=names.bus.NativeOptions(listen_mode="tcp", tcp_port=0))

    if names.ours:
        bus = listen()
        await bus.start()
        assert bus.get_listen_address()[1] > 0
        await bus.stop(0)
    else:
        with pytest.raises(names.bus.InvalidArgumentError, match="port"):
            listen()


@difference(
    "configuration and option objects",
    ours="frozen: `dataclasses.replace` makes a changed copy",
    theirs="can be changed",
)
async def test_option_objects_are_frozen(names: Client) -> None:
    options = names.bus.RequestOptions()
    try:
        options.timeout_ms = 5
        frozen = False
    except dataclasses.FrozenInstanceError:
        frozen = True
    assert frozen is names.sees(ours=True, theirs=False)


@difference(
    "`StreamEventType` and `OverflowPolicy`", ours="`str` enumerations", theirs="`Literal` types for annotations"
)
async def test_types_of_events_and_policies(names: Client) -> None:
    kinds = [inspect.isclass(kind) and issubclass(kind, Enum) for kind in _kinds(names)]
    assert kinds == names.sees(ours=[True, True], theirs=[False, False])


@difference(
    "`ErrorCode`, `error_from_code`, `ExtensionInfo`, `BusOptions`",
    ours="in the package",
    theirs="in `stdiobus.types` and `stdiobus.errors`",
)
async def test_where_further_names_are(names: Client) -> None:
    further = ("ErrorCode", "error_from_code", "ExtensionInfo", "BusOptions")
    assert {hasattr(names.bus, name) for name in further} == {names.sees(ours=True, theirs=False)}


@difference(
    "default image, and time to start, of `DockerOptions`",
    ours="`stdiobus-kernel`, 30 s",
    theirs="`stdiobus/stdiobus:node20`, 15 s",
)
async def test_the_default_image(names: Client) -> None:
    options = names.bus.DockerOptions()
    seen = (options.image, options.startup_timeout_sec)
    assert seen == names.sees(ours=("stdiobus-kernel", 30.0), theirs=("stdiobus/stdiobus:node20", 15.0))


@difference("default time to start of `SubprocessOptions`", ours="30 s", theirs="5 s")
async def test_the_default_time_to_start(names: Client) -> None:
    assert names.bus.SubprocessOptions().start_timeout_sec == names.sees(ours=30.0, theirs=5.0)


@difference("`get_client_count` on subprocess", ours="0", theirs="-1")
async def test_the_count_of_clients_on_subprocess(client: Client) -> None:
    theirs = 0 if client.backend == "native" else -1
    async with client.running() as bus:
        assert bus.get_client_count() == client.sees(ours=0, theirs=theirs)


@difference("counters that the subprocess backend cannot know", ours="-1", theirs="0")
async def test_unknown_counters(client: Client) -> None:
    async with client.running() as bus:
        seen = bus.get_stats().worker_restarts
    assert seen == (client.sees(ours=-1, theirs=0) if client.backend == "subprocess" else 0)


@difference(
    "the kernel program", ours="installed with the package", theirs="not installed: in PATH, or named by `binary_path`"
)
async def test_the_kernel_program(names: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    options = names.bus.SubprocessOptions()
    try:
        async with names.running(backend="subprocess", subprocess=options) as bus:
            found = bus.is_running()
    except names.bus.StdioBusError:
        found = False
    assert found is names.sees(ours=True, theirs=False)


def _kinds(client: Client) -> tuple[Any, Any]:
    return client.bus.StreamEventType, client.bus.OverflowPolicy


def _many_requests(client: Client) -> str:
    """What a child process reports; it and the kernel that it may leave behind are one process group."""
    command = [sys.executable, str(MANY_REQUESTS), client.package, client.backend, client.binary]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        return child.communicate(timeout=_CHILD_SEC)[0].strip()
    except subprocess.TimeoutExpired:
        return "hangs"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
