"""Kernels that are libraries: a program of the kit's hosts them, and the bundled one passes its cases."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_library
from pytest_stdiobus.kit.case import EMBEDDED, Case, bundled_cases
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.mutation import lint_history
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner, steps_of
from pytest_stdiobus.kit.target import Target, from_file, from_library

if TYPE_CHECKING:
    from pathlib import Path

ON_EMBEDDED = [case for case in bundled_cases() if case.transport == EMBEDDED]
OWN = "kernel/embedding/"


@pytest.fixture(scope="module")
def library() -> Target:
    found = bundled_library()
    assert found is not None
    return from_library(str(found))


def one_of_each(cases: list[Case]) -> list[Case]:
    """A case of each file."""
    return list({case.file: case for case in cases}.values())


def failures(library: Target, cases: list[Case]) -> dict[str, list[str]]:
    failed: dict[str, list[str]] = {}
    with Runner(library, Options(time_scale=4)) as runner:
        for case in cases:
            result = runner.run_case(case)
            if result.outcome is not Outcome.PASS:
                failed[case.id] = [f"{found.requirement}: {found.explanation}" for found in result.findings]
            elif result.history is not None and (
                faults := lint_history(case, steps_of(case, "bus", 0), result.history)
            ):
                failed[case.id] = list(map(str, faults))
    return failed


@pytest.mark.parametrize("part", range(4))
def test_the_bundled_library_behaves_as_the_executable_does(library: Target, part: int) -> None:
    """One of each file; `make findings` plays all."""
    shared = one_of_each([case for case in ON_EMBEDDED if not case.id.startswith(OWN)])
    assert failures(library, shared[part::4]) == {}


@pytest.mark.parametrize("part", range(4))
def test_the_bundled_library_keeps_the_rules_of_the_embedding_api(library: Target, part: int) -> None:
    own = one_of_each([case for case in ON_EMBEDDED if case.id.startswith(OWN)])
    assert own
    assert failures(library, own[part::4]) == {}


def test_a_library_is_judged_on_embedded_and_nothing_else(library: Target) -> None:
    with Runner(library) as runner:
        assert {case.transport for case in runner.cases} == {EMBEDDED}


def test_a_host_that_ends_at_once_fails_what_is_played_on_it(library: Target) -> None:
    case = next(case for case in ON_EMBEDDED if case.id.startswith(OWN))
    with Runner(replace(library, command=("/bin/false",))) as runner:
        result = runner.run_case(case)
    assert (result.outcome, "exited with status 1" in result.findings[0].explanation) == (Outcome.FAIL, True)


def test_a_library_tells_its_version(library: Target) -> None:
    assert library.version


def test_a_target_file_may_name_a_library(library: Target, tmp_path: Path) -> None:
    (tmp_path / "mine.so").symlink_to(library.library)
    file = tmp_path / "target.json"
    file.write_text('{"name": "mine", "subject": "kernel", "library": "mine.so"}', encoding="utf-8")
    target = from_file(file)
    assert (target.name, target.library, target.transports) == ("mine", str(tmp_path / "mine.so"), (EMBEDDED,))


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("int stdio_bus_step(void);\nint stdio_bus_step(void) { return 0; }\n", "it lacks stdio_bus_create"),
        (
            "#include <stdlib.h>\n__attribute__((constructor)) static void loaded(void) { abort(); }\n",
            "it ends the process with SIGABRT",
        ),
    ],
    ids=["another-library", "a-crash"],
)
def test_what_is_no_library_of_the_embedding_api_is_refused(tmp_path: Path, source: str, why: str) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    (tmp_path / "other.c").write_text(source, encoding="utf-8")
    made = [compiler, "-shared", "-fPIC", "-o", str(tmp_path / "other.so"), str(tmp_path / "other.c")]
    subprocess.run(made, check=True)
    with pytest.raises(KitError, match=why):
        from_library("other.so", folder=str(tmp_path))


def test_a_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KitError, match=r"there is no library 'none\.so'"):
        from_library("none.so", folder=str(tmp_path))
