# SPDX-License-Identifier: Apache-2.0
"""What the cases in conformance/cases/kernel/embedding do not say of the embedding API (PROTOCOL section 11)."""

import json
import time

import pytest

from .harness import Rig, notification, request, result
from .harness.embedded import (
    api,
)
from .harness.world import TIME_SCALE

pytestmark = pytest.mark.transports("embedded")


@pytest.mark.req("KRN-EMB-01")
@pytest.mark.parametrize("fault", ["no-config", "two-configs"])
def test_options_that_cannot_work_make_create_return_null(rig: Rig, fault: str) -> None:
    good = rig.embed(rig.config(), start=False)
    ffi, lib = api()
    options = good.options
    if fault == "no-config":
        options.config_json = ffi.NULL
    else:
        path = ffi.new("char[]", b"/dev/null")
        options.config_path = path
    assert lib.stdio_bus_create(options) == ffi.NULL
    assert good.errors


@pytest.mark.req("KRN-EMB-02")
def test_step_waits_at_most_its_timeout(rig: Rig) -> None:
    bus = rig.embed(rig.config(), drive=False)
    while bus.step(0):
        pass
    begin = time.monotonic()
    assert bus.step(150) == 0
    assert 0.14 <= time.monotonic() - begin < 0.15 + 0.5 * TIME_SCALE


@pytest.mark.req("KRN-EMB-04")
def test_several_buses_live_side_by_side(rig: Rig) -> None:
    first = rig.embed(rig.config(pools=[rig.workers.pool("a")]))
    second = rig.embed(rig.config(pools=[rig.workers.pool("b")]))
    of_a, of_b = rig.worker("a"), rig.worker("b")
    first.host.send(request(1))
    second.host.send(request(1))
    of_b.recv()
    of_b.send(result(1, "b"))
    assert second.host.recv()["result"] == "b"
    of_a.recv()
    first.destroy()
    second.host.fence(of_b)


@pytest.mark.req("KRN-EMB-07")
def test_clients_of_a_tcp_listener_get_their_responses_and_are_reported(rig: Rig) -> None:
    bus = rig.embed(rig.config(), listener="tcp")
    host, worker = bus.client(), rig.worker()
    guest = bus.connect("guest")
    guest.send(request(1, params="guest"))
    host.send(request(2, params="host"))
    for _ in range(2):
        message = worker.recv()
        worker.answer(message, message["params"])
    assert guest.recv() == result(1, "guest")
    assert host.recv() == result(2, "host")
    assert len(bus.connects) == 1
    assert bus.connects[0][1]
    guest.close()
    rig.world.until_true(lambda: bool(bus.disconnects), "the disconnect to be reported")
    assert bus.disconnects[0][0] == bus.connects[0][0]
    assert bus.disconnects[0][1]
    host.fence(worker)


@pytest.mark.req("KRN-EMB-07")
def test_a_tcp_listener_tells_its_port(rig: Rig) -> None:
    with_port = rig.embed(rig.config(), listener="tcp")
    assert 0 < with_port.lib.stdio_bus_get_listen_port(with_port.bus) < 65_536
    without = rig.embed(rig.config(), listener="unix")
    assert without.lib.stdio_bus_get_listen_port(without.bus) == -1


@pytest.mark.req("KRN-EMB-08")
def test_the_statistics_are_true(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    host, worker = bus.client(), rig.worker()
    assert set(bus.stats().values()) == {0}
    sent = [request(n) for n in range(10)]
    for message in sent:
        host.send(message)
    backs = []
    for _ in range(10):
        message = worker.recv()
        backs.append(result(message["id"]))
        worker.send(backs[-1])
    host.recv_many(10)
    stats = bus.stats()
    assert stats["messages_in"] == 10
    assert stats["messages_out"] == 10
    size_in = sum(len(json.dumps(m, separators=(",", ":"))) for m in sent)
    size_out = sum(len(json.dumps(m, separators=(",", ":"))) for m in backs)
    # With or without the LF of each message.
    assert size_in <= stats["bytes_in"] <= size_in + 10
    assert size_out <= stats["bytes_out"] <= size_out + 10
    guest = bus.connect("guest")
    guest.fence(worker)
    guest.close()
    rig.world.until_true(lambda: bus.stats()["client_disconnects"] == 1, "the disconnect to be counted")
    worker.send(notification(session="unknown"))
    host.fence(worker)
    worker.die()
    rig.worker()
    stats = bus.stats()
    assert stats["client_connects"] == 1
    assert stats["worker_restarts"] == 1
    assert stats["routing_errors"] >= 1
