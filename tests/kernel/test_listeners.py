# SPDX-License-Identifier: Apache-2.0
"""TCP and unix listeners (PROTOCOL section 10)."""

import ctypes
import os
import socket
import stat
from pathlib import Path

import pytest

from .harness import Rig, notification, procfs, request, result
from .harness.kernel import Kernel


@pytest.mark.req("KRN-NET-01")
@pytest.mark.transports("unix", "tcp", "embedded")
def test_many_clients_each_get_only_their_own(rig: Rig) -> None:
    bus = rig.start(2)
    clients = [bus.client(f"client{n}") for n in range(50)]
    workers = rig.workers.take(2)
    for client in clients:
        client.send(request(client.name, session=f"session of {client.name}"))
    for worker in workers:
        for message in worker.recv_many(25):
            worker.send(notification(session=message["sessionId"], params=message["id"]))
            worker.answer(message, message["id"])
    for client in clients:
        session = f"session of {client.name}"
        assert client.recv() == notification(session=session, params=client.name)
        assert client.recv() == result(client.name, client.name, session=session)


@pytest.mark.req("KRN-NET-01")
@pytest.mark.transports("unix", "tcp", "embedded")
def test_clients_come_and_go_without_touching_others(rig: Rig) -> None:
    bus = rig.start()
    steady, worker = bus.client("steady"), rig.worker()
    steady.send(request("long", session="s"))
    worker.recv()
    for n in range(100):
        guest = bus.client(f"guest{n}")
        if n % 3:
            guest.send(request(n))
            worker.recv()
        if n % 3 == 2:
            worker.send(result(n))
            assert guest.recv() == result(n)
        guest.close()
    steady.fence(worker, "s")
    worker.send(result("long", "answer", session="s"))
    assert steady.recv()["result"] == "answer"


@pytest.mark.req("KRN-NET-02")
@pytest.mark.parametrize(
    ("address", "host"),
    [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1"), ("localhost:0", None), ("0.0.0.0:0", "127.0.0.1")],
)
def test_tcp_takes_ipv4_ipv6_and_names_and_port_0_is_logged(rig: Rig, address: str, host: str | None) -> None:
    bus = rig.launch(rig.config(), transport="tcp", address=address)
    logged, port = bus.address()
    assert 0 < port < 65536
    with socket.create_connection((host or logged, port), timeout=5) as sock:
        sock.sendall(b'{"id":1,"method":"m","pool":"nowhere"}\n')
        assert b"unknown_pool" in sock.recv(4096)


@pytest.mark.req("KRN-NET-02")
def test_a_given_port_is_used(rig: Rig) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bus = rig.launch(rig.config(), transport="tcp", address=f"127.0.0.1:{port}")
    assert bus.address() == ("127.0.0.1", port)


@pytest.mark.req("KRN-NET-02")
def test_a_port_in_use_is_refused(rig: Rig) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        bus = rig.launch(rig.config(), transport="tcp", address=f"127.0.0.1:{port}", ready=False)
        assert bus.wait_exit() == 1
        assert any(str(port) in line for line in bus.log)


def _descriptor_of(pid: int, number: int) -> int:
    """Return a copy of another process's descriptor (pidfd_getfd)."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    try:
        copy = int(libc.syscall(438, pidfd, number, 0))
    finally:
        os.close(pidfd)
    if copy < 0:
        pytest.skip(f"pidfd_getfd is not permitted: {os.strerror(ctypes.get_errno())}")
    return copy


@pytest.mark.req("KRN-NET-02")
@pytest.mark.transports("tcp")
def test_connections_are_set_to_no_delay(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker)
    delays = []
    for number, target in procfs.descriptors(bus.pid).items():
        if target.startswith("socket:"):
            with socket.socket(fileno=_descriptor_of(bus.pid, number)) as sock:
                if sock.family == socket.AF_INET and not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    delays.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    assert delays == [1]


@pytest.mark.req("KRN-NET-03")
def test_a_dead_socket_is_replaced(rig: Rig) -> None:
    path = rig.folder / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    bus = rig.launch(rig.config(), address=str(path))
    bus.client().fence(rig.worker())


@pytest.mark.req("KRN-NET-03")
def test_a_live_listener_is_an_error_and_goes_on(rig: Rig) -> None:
    first = rig.launch(rig.config())
    worker = rig.worker()
    second = rig.launch(rig.config(), address=first.path, ready=False)
    assert second.wait_exit() == 1
    assert any(first.path in line for line in second.log)
    first.client().fence(worker)


@pytest.mark.req("KRN-NET-03")
@pytest.mark.parametrize("kind", ["file", "folder", "link", "fifo"])
def test_what_is_no_socket_is_an_error_and_stays(rig: Rig, kind: str) -> None:
    path = rig.folder / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        (rig.folder / "target").write_text("precious")
        path.symlink_to(rig.folder / "target")
    bus = rig.launch(rig.config(), address=str(path), ready=False)
    assert bus.wait_exit() == 1
    assert path.exists()
    if kind in {"file", "link"}:
        assert path.read_text() == "precious"


@pytest.mark.req("KRN-NET-03")
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_the_socket_has_mode_0600(rig: Rig, umask: int) -> None:
    before = os.umask(umask)
    try:
        bus = rig.launch(rig.config(), ready=False)
    finally:
        os.umask(before)
    bus.wait_ready()
    assert stat.S_IMODE(Path(bus.path).stat().st_mode) == 0o600


@pytest.mark.req("KRN-NET-03")
def test_the_longest_path_the_system_takes_is_taken(rig: Rig) -> None:
    path = str(rig.folder / "x")
    path += "x" * (107 - len(path))
    bus = rig.launch(rig.config(), address=path)
    bus.client().fence(rig.worker())


@pytest.mark.req("KRN-NET-03")
def test_at_the_end_our_own_socket_is_removed(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    rig.worker().exit()
    bus.stop()
    assert not Path(bus.path).exists()


@pytest.mark.req("KRN-NET-03")
@pytest.mark.parametrize("kind", ["file", "socket"])
def test_at_the_end_what_somebody_else_put_there_stays(rig: Rig, kind: str) -> None:
    bus = rig.launch(rig.config())
    path = Path(bus.path)
    path.unlink()
    if kind == "file":
        path.write_text("precious")
    else:
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    rig.worker().exit()
    bus.stop()
    assert path.exists()


def leave(bus: Kernel, how: str) -> None:
    """Let the first client go."""
    if how == "reset":
        bus.clients[0].reset()
    else:
        bus.clients[0].close()


@pytest.mark.req("KRN-NET-05")
@pytest.mark.parametrize(("transport", "how"), [("unix", "close"), ("tcp", "reset"), ("tcp", "close")])
def test_the_late_answer_of_a_client_that_left_reaches_nobody(rig: Rig, how: str) -> None:
    bus = rig.launch(rig.config())
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1, params="alice"))
    worker.recv()
    leave(bus, how)
    bob.fence(worker)
    bob.send(request(1, params="bob"))
    bob.fence(worker)
    worker.send(result(1, "for alice"))
    message = worker.recv()
    assert message["params"] == "bob"
    worker.answer(message, "for bob")
    assert bob.recv() == result(1, "for bob")
    bob.fence(worker)


@pytest.mark.req("KRN-NET-05")
@pytest.mark.parametrize(("transport", "how"), [("unix", "close"), ("tcp", "reset")])
def test_the_ids_of_a_client_that_left_are_free_again_when_the_worker_exits(rig: Rig, how: str) -> None:
    bus = rig.launch(rig.config())
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1))
    worker.recv()
    leave(bus, how)
    bob.send(request(1, params="bob"))
    bob.fence(worker)
    worker.die()
    successor = rig.worker()
    assert successor.recv()["params"] == "bob"
    successor.send(result(1, "for bob"))
    assert bob.recv() == result(1, "for bob")


@pytest.mark.req("KRN-NET-05")
@pytest.mark.parametrize(("transport", "how"), [("unix", "close"), ("tcp", "reset")])
def test_a_client_that_left_with_its_session_leaves_its_id_occupied_there(rig: Rig, how: str) -> None:
    bus = rig.launch(rig.config())
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1, session="s"))
    worker.recv()
    leave(bus, how)
    bob.fence(worker)
    bob.send(request(1, session="s", params="bob"))
    bob.fence(worker)
    worker.send(result(1, "for alice", session="s"))
    assert worker.recv()["params"] == "bob"
    worker.send(result(1, "for bob", session="s"))
    assert bob.recv()["result"] == "for bob"


@pytest.mark.req("KRN-NET-05", "KRN-ERR-04")
def test_unwritten_requests_of_a_client_that_left_are_not_given_to_another_process(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    for n in range(200):
        alice.queue(request(n, params="x" * 10_000))
    alice.send(request("end", pool="nowhere"))
    assert alice.recv()["id"] == "end"
    before = len(procfs.descriptors(bus.pid))
    alice.close()
    rig.world.until_true(lambda: len(procfs.descriptors(bus.pid)) < before, "the kernel to close its end")
    worker.die()
    bob.fence(rig.worker())


@pytest.mark.req("KRN-NET-05")
@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_a_client_that_leaves_in_the_middle_of_a_line_takes_it_along(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send_bytes(b'{"id":1,"meth')
    alice.close()
    bob.fence(worker)
    bob.send_bytes(b'{"id":2,"method":"m"}\n')
    assert worker.recv() == {"id": 2, "method": "m"}
