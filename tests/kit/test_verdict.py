"""How much a failure weighs, and what a run says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.result import Outcome, RequirementResult
from pytest_stdiobus.kit.verdict import EXIT, Effect, Rules, Verdict, effect, verdict

if TYPE_CHECKING:
    from pytest_stdiobus.kit.catalogue import Requirement


def requirement(level: str, *, public: bool) -> Requirement:
    return next(row for row in catalogue().values() if row.level == level and row.public is public)


@pytest.mark.parametrize(
    ("level", "public", "lax", "strict"),
    [
        ("M", True, Effect.FAILURE, Effect.FAILURE),
        ("M", False, Effect.WARNING, Effect.FAILURE),
        ("S", False, Effect.WARNING, Effect.WARNING),
        ("Y", False, Effect.INFORMATION, Effect.INFORMATION),
    ],
)
def test_a_failure_weighs_by_level_and_basis(level: str, *, public: bool, lax: Effect, strict: Effect) -> None:
    row = requirement(level, public=public)
    assert effect(row, Rules()) is lax
    assert effect(row, Rules(strict=True)) is strict
    assert effect(row, Rules(reference=True)) is Effect.FAILURE


def said(outcome: Outcome, rules: Rules | None = None, *, public: bool = True) -> Verdict:
    name = requirement("M", public=public).id
    return verdict({name: RequirementResult(name, outcome)}, rules or Rules())


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.FLAKY])
def test_a_failure_is_not_conformant_however_little_was_run(outcome: Outcome) -> None:
    assert said(outcome) is Verdict.NOT_CONFORMANT
    assert said(outcome, Rules(partial=True)) is Verdict.NOT_CONFORMANT


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.UNTESTABLE, Outcome.NOT_OBSERVED, Outcome.HARNESS_ERROR])
def test_a_public_must_that_was_not_decided_leaves_a_run_incomplete(outcome: Outcome) -> None:
    assert said(outcome) is Verdict.INCOMPLETE
    assert said(outcome, Rules(partial=True)) is Verdict.PARTIAL


def test_what_passes_is_conformant_and_what_exercised_nothing_is_not() -> None:
    assert said(Outcome.PASS) is Verdict.CONFORMANT
    assert said(Outcome.NOT_APPLICABLE) is Verdict.INCOMPLETE
    assert verdict({}, Rules()) is Verdict.INCOMPLETE


def test_the_status_of_the_process_follows_the_verdict() -> None:
    assert {word for word, status in EXIT.items() if status} == {Verdict.NOT_CONFORMANT, Verdict.INCOMPLETE}
