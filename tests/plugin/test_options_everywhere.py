"""Every option about buses, on the command line and in the ini file, wherever a test can run.

Those about a judged worker: `test_suite_options`.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import kernel_file
from pytest_stdiobus.options import BACKEND, BINARY, BUS_OPTIONS, IMAGE, LIBRARY, OPTIONS, SDK, Option

if TYPE_CHECKING:
    from pathlib import Path

# What each option is set to ({folder} is a folder with another kernel and another library in it), and what a test on
# both backends then sees of it.
SEEN = {
    BACKEND.name: ("subprocess,native", "assert stdiobus.get_backend_type() == stdiobus_backend"),
    BINARY.name: (
        "{folder}/kernel",
        "assert stdiobus_backend != 'subprocess' or stdiobus._backend._binary.path == {value!r}",
    ),
    LIBRARY.name: (
        "{folder}/library.so",
        "assert stdiobus_backend != 'native' or stdiobus._native_options.library_path == {value!r}",
    ),
    IMAGE.name: ("of-mine", "assert stdiobus_docker.image == {value!r}"),
    SDK.name: ("my_client:Mine", "assert type(stdiobus).__name__ == 'ForeignBus'"),
}
BACKENDS = 2
ON = {
    "strict": ("", ["--asyncio-mode=strict"]),
    "auto": ("", ["--asyncio-mode=auto"]),
    "anyio": ("@pytest.mark.anyio", ["--asyncio-mode=strict"]),
    "module": ("@pytest.mark.asyncio(loop_scope='module')", ["--asyncio-mode=strict"]),
    "session": ("@pytest.mark.asyncio(loop_scope='session')", ["--asyncio-mode=auto"]),
    "xdist": ("", ["-n2"]),
}
PRELUDE = """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


@pytest.fixture(scope="session")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each option is set to; kernel and library are copies of the bundled ones."""
    folder: Path = tmp_path_factory.mktemp("kernels")
    for name, copy in (("stdiobus-kernel", "kernel"), ("libstdio_bus.so", "library.so")):
        original = kernel_file(name)
        if original is None:
            pytest.skip(f"the package was installed without {name}")
        shutil.copy(original, folder / copy)
    return {name: value.format(folder=folder) for name, (value, _) in SEEN.items()}


def test_every_option_about_buses_is_tried_here() -> None:
    assert set(SEEN) == {option.name for option in BUS_OPTIONS}


@pytest.mark.parametrize("place", ["command", "ini"])
@pytest.mark.parametrize("mode", ON)
def test_every_option_holds(pytester: pytest.Pytester, values: dict[str, str], mode: str, place: str) -> None:
    mark, arguments = ON[mode]
    pytester.makepyfile(my_client="from pytest_stdiobus.bus import AsyncStdioBus as Base\n\nclass Mine(Base): ...")
    pytester.syspathinsert()
    tests = [PRELUDE]
    for number, (name, (_, check)) in enumerate(SEEN.items()):
        head = f"{mark}\nasync def test_{number}(stdiobus, stdiobus_backend, stdiobus_docker):"
        tests.append(f"{head}\n    await stdiobus.request('echo')\n    {check.format(value=values[name])}\n")
    pytester.makepyfile("\n".join(tests))
    flags = []
    if place == "command":
        flags = [f"{option.flag}={values[option.name]}" for option in BUS_OPTIONS]
    else:
        lines = [f"{option.ini} = {values[option.name]}" for option in BUS_OPTIONS]
        pytester.makefile(
            ".ini", pytest="\n".join(["[pytest]", "asyncio_default_fixture_loop_scope = function", *lines])
        )
    # pytest-asyncio 0.26 marks functions for good when it runs in auto mode, as another test in this process may have.
    # The processes of xdist import from where their parent did when it was started.
    run = pytester.runpytest_subprocess if mode in {"anyio", "xdist"} else pytester.runpytest
    result = run(*arguments, *flags)
    result.assert_outcomes(passed=BACKENDS * len(SEEN))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_without_the_plugin_an_option_is_unknown(pytester: pytest.Pytester, option: Option) -> None:
    pytester.makepyfile("def test_it(): pass")
    flag = option.flag
    result = pytester.runpytest("-p", "no:stdiobus", f"{flag}=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*unrecognized arguments: {flag}=x*"])


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_wire_and_faults_follow_the_loop_of_the_test(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makepyfile(f"""
        import pytest
        from pytest_stdiobus.bus import TimeoutError

        pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

        async def test_faults(stdiobus, stdiobus_faults, stdiobus_wire):
            stdiobus_faults.drop(count=1)
            with pytest.raises(TimeoutError):
                await stdiobus.request("m", timeout_ms=200)
            assert await stdiobus.request("m", [1]) == {{"echo": [1]}}
            assert [len(entries) for entries in (stdiobus_wire.sent, stdiobus_wire.received)] == [2, 1]

        async def test_fails(make_stdiobus):
            await (await make_stdiobus()).request("m")
            assert False
    """)
    result = pytester.runpytest("--stdiobus-backend=native")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- stdiobus wire -*", "*client -> echo*"])
