"""The choice of the backend: option, ini, header, errors."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_kernel, bundled_library

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWS_BACKEND = """
    def test_it(stdiobus_backend):
        print("on", stdiobus_backend)
"""


@pytest.fixture(autouse=True)
def _quiet(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(SHOWS_BACKEND)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{pytester.path}/no-engine.sock")


def test_a_named_backend_runs_unparametrised(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--stdiobus-backend=native", "-v", "-s")
    result.stdout.fnmatch_lines(["stdiobus: backend native | kernel * | client reference", "*::test_it on native*"])
    result.assert_outcomes(passed=1)


def test_a_list_runs_every_test_once_per_backend_in_its_order(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--stdiobus-backend=subprocess, native,native", "-v")
    result.stdout.fnmatch_lines(["*::test_it?subprocess? PASSED*", "*::test_it?native? PASSED*"])
    result.assert_outcomes(passed=2)


def test_the_ini_file_chooses_and_the_command_line_beats_it(pytester: pytest.Pytester) -> None:
    pytester.makefile(".ini", pytest="[pytest]\nasyncio_default_fixture_loop_scope=function\nstdiobus_backend = native")
    pytester.runpytest("-s").stdout.fnmatch_lines(["*on native*"])
    pytester.runpytest("-s", "--stdiobus-backend=subprocess").stdout.fnmatch_lines(["*on subprocess*"])


def test_a_users_own_parameters_are_kept(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(params=["native"])
        def stdiobus_backend(request):
            return request.param
    """)
    pytester.runpytest("--stdiobus-backend=native,subprocess").assert_outcomes(passed=1)


def test_auto_is_the_default(pytester: pytest.Pytester) -> None:
    pytester.runpytest("-s").stdout.fnmatch_lines(["stdiobus: backend auto |*", "*on auto*"])


def test_all_skips_visibly_what_is_not_there(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--stdiobus-backend=all", "-rs")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(
        ["stdiobus: backend native, subprocess, docker (skipped) |*", "SKIPPED *docker: *container engine*"]
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("carrier-pigeon", ["*'carrier-pigeon' is not a backend*auto, native, subprocess, docker*"]),
        ("", ["*'' is not a backend*"]),
        ("native,all", ["*'all' is not a backend*"]),
        ("docker", ["*docker cannot be used: *container engine*"]),
    ],
)
def test_a_bad_value_is_a_usage_error(pytester: pytest.Pytester, value: str, words: Sequence[str]) -> None:
    result = pytester.runpytest(f"--stdiobus-backend={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(words)


def test_a_named_backend_that_is_missing_says_why_and_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_stdiobus.bus.backends.native.open_library", _absent)
    result = pytester.runpytest("--stdiobus-backend=native")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*native cannot be used: *C compiler*"])


@pytest.mark.parametrize("backend", ["auto", "subprocess", "native", "all"])
def test_a_binary_that_does_not_exist_is_a_usage_error(pytester: pytest.Pytester, backend: str) -> None:
    result = pytester.runpytest(f"--stdiobus-backend={backend}", "--stdiobus-binary=/no/such/kernel")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--stdiobus-binary: *no/such/kernel is not an executable file*"])


def test_auto_runs_the_binary_that_is_named_relative_to_the_ini_file(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = bundled_kernel()
    assert kernel is not None
    shutil.copy(kernel, pytester.mkdir("kernels") / "mine")
    ini = "[pytest]\nasyncio_default_fixture_loop_scope=function\nstdiobus_binary = kernels/mine"
    pytester.makefile(".ini", pytest=ini)
    pytester.makepyfile("async def test_it(stdiobus): assert stdiobus._backend._binary.path.endswith('kernels/mine')")
    monkeypatch.chdir(pytester.mkdir("elsewhere"))
    result = pytester.runpytest("..")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["stdiobus: backend subprocess | kernel *kernels/mine (*"])


def test_a_binary_and_a_library_need_the_name_of_a_backend(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(f"--stdiobus-binary={bundled_kernel()}", f"--stdiobus-library={bundled_library()}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--stdiobus-backend: auto *two are named*choose native or subprocess"])


def test_without_the_plugin_nothing_is_left(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest("-p", "no:stdiobus")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("stdiobus:*")


def _absent(_path: str = "") -> None:
    from pytest_stdiobus.bus import UnavailableError
    from pytest_stdiobus.data import kernel_absence

    raise UnavailableError(kernel_absence())
