# SPDX-License-Identifier: Apache-2.0
"""The tests and the requirements know each other."""

from . import requirement_table


def test_every_requirement_has_a_test() -> None:
    exercised = {id_ for test in requirement_table.tests() for id_ in test.requirements}
    assert [row.id for row in requirement_table.rows() if row.id not in exercised] == []


def test_every_mark_names_a_requirement() -> None:
    known = {row.id for row in requirement_table.rows()}
    assert {id_ for test in requirement_table.tests() for id_ in test.requirements} <= known


def test_every_test_of_the_kernel_names_its_requirement() -> None:
    unmarked = [
        f"{test.file}::{test.name}"
        for test in requirement_table.tests()
        if not test.requirements and test.file != "test_requirements.py"
    ]
    assert unmarked == []


def test_the_document_is_up_to_date() -> None:
    assert requirement_table.is_current(), "run: python tests/kernel/requirement_table.py"
