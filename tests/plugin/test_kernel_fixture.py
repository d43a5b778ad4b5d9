"""The fixture ``stdiobus_kernel``: a kernel with the test at both ends."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_kernel
from pytest_stdiobus.kit import checks

if TYPE_CHECKING:
    from pytest_stdiobus.kit.stage import StagedKernel

checks.held_always("kernel")  # what a run inside pytester imports is forgotten with it, and then registered twice
TRANSPORTS = ["stdio", "unix", "tcp"]
GREETS = """
import sys
print("a kernel of few words", file=sys.stderr, flush=True)
for line in sys.stdin:
    print("hello", flush=True)
"""
ASK = """
    def test_it(stdiobus_kernel):
        stdiobus_kernel.start({"pools": []}, transport="stdio")
        stdiobus_kernel.client().send({"id": 1, "method": "m"})
        stdiobus_kernel.client().next({"id": 1})
"""
ORPHAN = "import os, sys\nos.system('sleep 600 &')\nos.execv(KERNEL, [KERNEL, *sys.argv[1:]])\n"
TALK = """
    def test_it(stdiobus_kernel):
        stdiobus_kernel.start(transport="stdio")
        stdiobus_kernel.client().send({"id": 1, "method": "m"})
        stdiobus_kernel.pool().next({"id": 1}).peer.send({"id": 1, "result": 2})
        stdiobus_kernel.client().next({"id": 1, "result": 2})
"""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_test_is_client_and_worker(stdiobus_kernel: StagedKernel, transport: str) -> None:
    stdiobus_kernel.start(transport=transport)
    client = stdiobus_kernel.client()
    client.send(b'{ "id":1,"method":"m" }\n', split=5)
    asked = stdiobus_kernel.pool().next(b'{ "id":1,"method":"m" }')
    assert asked.message == {"id": 1, "method": "m"}
    asked.peer.send({"id": 1, "result": 2})
    assert client.next().data == b'{"id":1,"result":2}'
    stdiobus_kernel.stop()
    assert stdiobus_kernel.breaches == []


def test_another_message_than_expected_is_quoted(stdiobus_kernel: StagedKernel) -> None:
    client = stdiobus_kernel.client()
    client.send(b"no message\n")
    with pytest.raises(AssertionError, match=r'client:kit: .*"error".*expected'):
        client.next({"id": 1})


def test_a_worker_that_exits_is_replaced(stdiobus_kernel: StagedKernel) -> None:
    client = stdiobus_kernel.client()
    client.send({"id": 1, "method": "m"})
    first = stdiobus_kernel.pool().next({"id": 1}).peer
    first.exit(3)
    client.find({"id": 1, "error": {"$schema": {"required": ["code"]}}})
    client.send({"id": 2, "method": "m"})
    assert stdiobus_kernel.pool().next({"id": 2}).peer != first


def test_the_kernel_can_be_ended(stdiobus_kernel: StagedKernel) -> None:
    client = stdiobus_kernel.client()
    client.send(b"no message\n")
    client.next({"id": None})
    stdiobus_kernel.signal("TERM")
    assert stdiobus_kernel.exits() == {"code": 0}
    client.ends()


def test_it_can_be_started_again_and_not_twice(stdiobus_kernel: StagedKernel) -> None:
    stdiobus_kernel.start()
    with pytest.raises(Exception, match="the kernel runs already"):
        stdiobus_kernel.start()
    stdiobus_kernel.stop()
    stdiobus_kernel.start(transport="stdio")
    stdiobus_kernel.client().send(b"[]\n")
    stdiobus_kernel.client().next({"id": None})


def kernel(pytester: pytest.Pytester, code: str) -> str:
    """A kernel that does something before it becomes the bundled one."""
    program = pytester.path / "kernel.py"
    program.write_text(f"#!{sys.executable}\nKERNEL = {str(bundled_kernel())!r}\n{code}", encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def test_a_failure_shows_the_wire_and_the_log(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASK)
    result = pytester.runpytest(f"--stdiobus-binary={kernel(pytester, GREETS)}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: client:kit: hello: *",
            "*- stdiobus wire -*",
            "*kernel -> kit  hello",
            "*- stdiobus stderr -*",
            "a kernel of few words",
        ]
    )


def test_the_judged_kernel_takes_its_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine=ASK)
    target = {"name": "mine", "subject": "kernel", "command": [kernel(pytester, GREETS)]}
    pytester.makefile(".json", mine=json.dumps(target))
    result = pytester.runpytest("--stdiobus-target=mine.json", "test_mine.py::test_it")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*kernel -> kit  hello"])


def test_what_a_kernel_leaves_behind_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TALK)
    result = pytester.runpytest(f"--stdiobus-binary={kernel(pytester, ORPHAN)}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the kernel left processes behind, which have been ended: * (sleep 600)*"])


def test_a_kernel_that_is_not_there_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TALK)
    result = pytester.runpytest("--stdiobus-binary=no/such/kernel")
    assert result.ret != 0
    assert "no/such/kernel" in result.stdout.str() + result.stderr.str()
