"""What ``-k`` selects."""

from __future__ import annotations

import pytest

from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.select import selects

NAMES = ("worker/framing/bad-line[blank]", "WRK-06", "WRK-03")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "framing",
        "wrk-06",
        "bad-line[blank]",
        "framing and WRK-03",
        "nothing or framing",
        "not nothing",
        "not nothing and framing",
        "framing or nothing and nothing",
        "(nothing or framing) and not WRK-99",
        "not (nothing or none)",
    ],
)
def test_a_true_expression_selects(expression: str) -> None:
    assert selects(expression, NAMES)


@pytest.mark.parametrize(
    "expression",
    ["nothing", "framing and nothing", "not framing", "(framing or nothing) and nothing", "not not nothing"],
)
def test_a_false_expression_does_not(expression: str) -> None:
    assert not selects(expression, NAMES)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("and", "expected a part of an id, got 'and'"),
        ("framing and", "expected a part of an id at the end"),
        ("(framing", "a parenthesis is not closed"),
        ("framing)", r"'\)' comes too early"),
        ("framing blank", "'blank' comes too early"),
        ("()", r"expected a part of an id, got '\)'"),
    ],
)
def test_an_expression_that_cannot_be_read_says_where(expression: str, why: str) -> None:
    with pytest.raises(KitError, match=why):
        selects(expression, NAMES)
