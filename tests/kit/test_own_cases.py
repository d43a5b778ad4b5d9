"""Users' cases are looked at before anything runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.case import bundled_cases
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.own_cases import read_own_cases

from .conftest import ANSWERED, ASK

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {
    "id": "worker/own/good",
    "title": "A case of a user without a fault",
    "requirements": ["WRK-03"],
    "subject": "worker",
    "steps": [ASK, ANSWERED],
}


def written(folder: Path, **changes: Any) -> None:
    (folder / "case.json").write_text(json.dumps({**GOOD, **changes}), encoding="utf-8")


def test_a_users_cases_are_read_where_they_have_no_fault(tmp_path: Path) -> None:
    written(tmp_path)
    assert [case.id for case in read_own_cases([tmp_path])] == ["worker/own/good"]


def test_all_faults_of_a_users_cases_are_told_before_anything_runs(tmp_path: Path) -> None:
    written(tmp_path, requirements=["WRK-99"])
    (tmp_path / "other.json").write_text("{", encoding="utf-8")
    with pytest.raises(KitError) as refused:
        read_own_cases([tmp_path])
    assert f"{tmp_path / 'case.json'}: $.requirements[0]: expected a requirement" in str(refused.value)
    assert f"{tmp_path / 'other.json'}: $: is not JSON" in str(refused.value)


def test_a_users_case_has_no_id_of_this_kits_cases(tmp_path: Path) -> None:
    taken = bundled_cases()[-1].base
    written(tmp_path, id=taken)
    with pytest.raises(KitError, match=r"case\.json: \$\.id: worker/.* is also the id of a packaged case"):
        read_own_cases([tmp_path])
