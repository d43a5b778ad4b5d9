"""Reports side by side for a program to read: one JSON value (``schemas/matrix``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from pytest_stdiobus.report.matrix import matrix, target_name
from pytest_stdiobus.report.parity import parity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.report.matrix import Cell, Row
    from pytest_stdiobus.report.model import Report
    from pytest_stdiobus.report.parity import ParityCase

FORMAT = 1


class CellPart(TypedDict):
    """What one report says."""

    outcome: str
    known: bool
    effect: str
    broken: int
    judged: int
    ways: dict[str, str]


class RowPart(TypedDict):
    """A requirement; a cell is null where a report does not have it."""

    id: str
    level: str
    basis: str
    statement: str
    differs: bool
    cases: list[str]
    cells: list[CellPart | None]


class ReportPart(TypedDict):
    """Of what a column is."""

    target: str
    subject: str
    verdict: str
    date: str
    kit: str


class DifferencePart(TypedDict):
    """Where SDKs said something else: values as JSON, null where there is nothing."""

    path: str
    values: list[str | None]


class ParityPart(TypedDict):
    """A case in which several SDKs said something; `played` says which."""

    id: str
    title: str
    played: list[bool]
    differences: list[DifferencePart]


class Matrix(TypedDict):
    """The whole of it; `parity` is empty unless every report is of an SDK."""

    format: int
    reports: list[ReportPart]
    rows: list[RowPart]
    parity: list[ParityPart]


def as_json(reports: Sequence[Report]) -> Matrix:
    """The matrix of some reports."""
    return {
        "format": FORMAT,
        "reports": [
            {
                "target": target_name(report),
                "subject": report["target"]["subject"],
                "verdict": report["verdict"]["word"],
                "date": report["date"],
                "kit": report["kit"],
            }
            for report in reports
        ],
        "rows": [_row(row) for row in matrix(reports)],
        "parity": [_case(case) for case in parity(reports)],
    }


def _case(case: ParityCase) -> ParityPart:
    return {
        "id": case.id,
        "title": case.title,
        "played": list(case.played),
        "differences": [{"path": found.path, "values": list(found.values)} for found in case.differences],
    }


def _row(row: Row) -> RowPart:
    rule = row.rule
    return {
        "id": row.id,
        "level": rule["level"],
        "basis": rule["basis"],
        "statement": rule["statement"],
        "differs": row.differs,
        "cases": list(row.cases),
        "cells": [_cell(cell) if cell else None for cell in row.cells],
    }


def _cell(cell: Cell) -> CellPart:
    part = cell.part
    return {
        "outcome": part["outcome"],
        "known": part["known"],
        "effect": part["effect"],
        "broken": cell.broken,
        "judged": cell.judged,
        "ways": cell.ways,
    }
