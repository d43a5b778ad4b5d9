# SPDX-License-Identifier: Apache-2.0
"""The tests and the requirements know each other."""

import pytest

from pytest_stdiobus.bus import BackendMode
from pytest_stdiobus.kit.case import bundled_cases
from pytest_stdiobus.kit.catalogue import catalogue

from . import requirement_table


def test_every_requirement_has_a_test_or_a_case() -> None:
    exercised = {id_ for test in requirement_table.tests() for id_ in test.requirements}
    exercised |= {id_ for case in bundled_cases() if case.subject == "kernel" for id_ in case.requirements}
    assert [row.id for row in requirement_table.rows() if row.id not in exercised] == []


def test_every_mark_names_a_requirement() -> None:
    known = {row.id for row in requirement_table.rows()}
    assert {id_ for test in requirement_table.tests() for id_ in test.requirements} <= known


def test_every_test_of_the_kernel_names_its_requirement() -> None:
    tests = [test for test in requirement_table.tests() if test.folder == "kernel"]
    assert [f"{test.file}::{test.name}" for test in tests if not test.requirements] == []


def test_what_is_required_of_every_backend_is_tested_on_every_backend() -> None:
    everywhere = {row.id for row in requirement_table.rows() if row.backends == requirement_table.EVERY_BACKEND}
    tests = [test for test in requirement_table.tests() if everywhere & set(test.requirements)]
    assert tests
    assert [f"{test.file}::{test.name}" for test in tests if not test.on_every_backend] == []


def test_a_row_of_the_client_names_its_backends() -> None:
    known = {requirement_table.EVERY_BACKEND, *(mode.value for mode in BackendMode)}
    rows = requirement_table.rows()
    assert {row.backends for row in rows if row.id.startswith("SDK")} <= known
    assert {row.backends for row in rows if row.id.startswith("KRN")} == {""}


def test_the_tests_of_the_client_know_every_backend(pytester: pytest.Pytester) -> None:
    folder = requirement_table.HERE.parent / "bus"
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makeconftest((folder / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile("def test_it(stdiobus_backend): pass")
    collected = pytester.runpytest("--collect-only", "-q").stdout.str()
    assert [mode.value for mode in BackendMode if f"test_it[{mode.value}]" not in collected] == ["auto"]


def test_the_document_is_up_to_date() -> None:
    assert requirement_table.is_current(), "run: python tests/requirements/requirement_table.py"


@pytest.mark.parametrize(("subject", "prefix"), [("kernel", "KRN-"), ("sdk", "SDK-")])
def test_the_catalogue_has_the_rows_of_a_subject_with_their_level_and_basis(subject: str, prefix: str) -> None:
    listed = {row.id: (row.level, row.basis) for row in requirement_table.rows() if row.id.startswith(prefix)}
    kept = {name: (row.level, row.basis) for name, row in catalogue().items() if row.subject == subject}
    assert kept == listed
