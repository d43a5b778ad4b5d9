"""A history that was written down is judged as its run was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import history as histories
from pytest_stdiobus.kit.case import read_cases
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.offline import rejudge
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner

from .conftest import ANSWERED, ASK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.kit.target import Target

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{}}'


@pytest.mark.parametrize("code", ["serve()", "print('noise'); serve()", "sys.exit(3)"], ids=["good", "noisy", "dead"])
def test_a_saved_history_gives_the_findings_of_its_run(
    target: Callable[..., Target], tmp_path: Path, code: str
) -> None:
    with Runner(target(code), Options(select="sigterm-when-idle or id-comes-back[one]")) as runner:
        results = list(runner.run())
    for result in results:
        assert result.history is not None
        result.history.write(tmp_path / "h.ndjson")
        again = rejudge(histories.read(tmp_path / "h.ndjson"))
        assert (again.case, again.findings) == (result.case, result.findings)


def test_the_history_of_a_users_case_leads_to_its_file(target: Callable[..., Target], tmp_path: Path) -> None:
    file = tmp_path / "mine.stdiobus.json"
    data = {
        "id": "worker/mine/ask",
        "title": "A case of mine",
        "requirements": ["WRK-03"],
        "subject": "worker",
        "steps": [ASK, ANSWERED],
    }
    file.write_text(json.dumps(data), encoding="utf-8")
    with Runner(target("serve()"), Options(select="worker/mine/ask", cases=tuple(read_cases(file)))) as runner:
        (result,) = runner.run()
    assert result.history is not None
    assert rejudge(result.history).findings == result.findings


def test_a_case_that_is_not_known_is_told() -> None:
    with pytest.raises(KitError, match="there is no case 'worker/gone'"):
        rejudge(History({"case": "worker/gone"}))


def recording(*events: dict[str, Any]) -> dict[str, Outcome]:
    history = History()
    for event in events:
        history.add(**event)
    found = {finding.requirement: finding.outcome for finding in rejudge(history).findings}
    assert set(found) >= {"WRK-01", "WRK-06", "WRK-08"}
    return {name: outcome for name, outcome in found.items() if outcome is not Outcome.NOT_OBSERVED}


ASKED = {"actor": "client:kit", "kind": "line", "dir": "in", "data": b'{"jsonrpc":"2.0","id":1,"method":"m"}'}
ANSWERS = {"actor": "client:kit", "kind": "line", "dir": "out", "data": ANSWER}
NOISE = {"actor": "client:kit", "kind": "line", "dir": "out", "data": b"noise"}
ENDING = {"actor": "target", "kind": "ending"}


def test_a_recording_keeps_the_invariants_that_it_shows() -> None:
    exit_ = {"actor": "target", "kind": "exit", "code": 0}
    assert recording() == {}
    assert recording(ASKED, ANSWERS) == {"WRK-01": Outcome.PASS, "WRK-03": Outcome.PASS}
    assert recording(ENDING, exit_) == {"WRK-08": Outcome.PASS}


def test_a_recording_that_breaks_an_invariant_is_accused() -> None:
    assert recording(NOISE) == {"WRK-01": Outcome.FAIL}
    assert recording(ASKED, ANSWERS, ANSWERS) == {"WRK-01": Outcome.PASS, "WRK-03": Outcome.FAIL}
