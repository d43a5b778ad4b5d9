"""Looks for a case that a kernel fails, and makes it small."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from itertools import count
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import HealthCheck, Phase

from pytest_stdiobus.kit.case import STDIO, Case, read_cases, steps
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.explore.messages import SIMPLEST_POOLS
from pytest_stdiobus.kit.explore.model import written
from pytest_stdiobus.kit.explore.moves import Ask, Plan
from pytest_stdiobus.kit.explore.offers import OFFERS
from pytest_stdiobus.kit.explore.plans import plans
from pytest_stdiobus.kit.explore.script import tidy
from pytest_stdiobus.kit.explore.smaller import smaller
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.run import GENERATED
from pytest_stdiobus.kit.target import KERNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pytest_stdiobus.kit.explore.offers import Offer
    from pytest_stdiobus.kit.run import Runner

# What public sources say of the defaults differs, so that a case names all that it relies on.
LIMITS = {"max_output_queue": 16_777_216, "max_restarts": 50, "restart_window_sec": 60}
_TIME_TO_DRAIN = {"drain_timeout_sec": 10}  # what is answered after the end of the input may be written in many pieces
PATIENCE_S = 90.0  # from the first failure on: a kernel that does not answer makes each attempt slow
_QUICK = 0.2  # of the usual deadline, while a case is made smaller; what comes of it is played once more in full
_NOTHING_READ = "KRN-ERR-01"  # of a case without a step that reads: every history is held against it
_CONFIRMED = 5  # so many of the smallest cases are played again until one fails again
_AT_THE_END = frozenset({"KRN-SHD-01", "KRN-SHD-05"})  # a kernel may drain longer than a quick attempt waits
_ASIDE = frozenset(
    {*_AT_THE_END, "KRN-NET-03", "KRN-WRK-02", "KRN-WRK-07"}
)  # not about messages: told if nothing else is
_BATCH, _SHORT = (
    10,
    2,
)  # of plans; the first are short, and after so many Hypothesis makes variations of those it has made
_ONCE = "it failed once, and not again"


@dataclass
class Search:
    """Plays generated cases against one kernel.

    Attributes:
        runner: the run they are part of, which says how many; its seed decides which they are.
        transport: what they are played on.
        folder: where the cases are written that fail.
        tell: is given what each came to.
    """

    runner: Runner
    transport: str
    folder: Path
    tell: Callable[[CaseResult], object] = lambda _: None
    _played: dict[str, CaseResult] = field(default_factory=dict)
    _until: float = float("inf")
    _always: frozenset[str] = frozenset()
    _refused: list[Offer] = field(default_factory=list)
    _hurried: set[str] = field(default_factory=set)

    def run(self) -> Iterator[CaseResult]:
        """The smallest case that was found for each reason to fail, and what all the others came to."""
        yield from self._plain()
        self._refused = [offer for offer in OFFERS if self._play(_case(self._data(offer.simplest))).failures]
        accused = set(self._always)
        kept: dict[str, None] = {}
        played = 0
        for plan in self.plans():
            result = self._result(plan)
            if result is None:
                break
            played += 1
            self.tell(result)
            kept.update(dict.fromkeys(found.requirement for found in result.findings if found.outcome is Outcome.PASS))
            if result.outcome is Outcome.HARNESS_ERROR:
                yield result
            named = set(self._accused(result))
            if named and not named & accused and self._accused(self._in_full(plan)):
                smallest = self._smallest(plan)
                if not accused & set(self._accused(smallest)):
                    accused.update(self._accused(smallest))
                    yield smallest
        yield self._summary(played, sorted(kept.keys() - accused))

    def _plain(self) -> Iterator[CaseResult]:
        """What one request comes to: that it fails is no news in any other case."""
        data = self._data(Plan(SIMPLEST_POOLS, (Ask(),)))
        result = self._play(_case(data))
        if result.failures:
            yield self._written(data, result)
        self._always = frozenset(_accused(result))

    def _accused(self, result: CaseResult) -> list[str]:
        """The requirements that a case fails, but those that every case does, and those about messages if there are any."""
        names = [name for name in _accused(result) if name not in self._always]
        return [name for name in names if name not in _ASIDE] or names

    def _in_full(self, plan: Plan) -> CaseResult:
        """What a plan comes to with all patience, if it has failed with little."""
        known = json.dumps(self._data(plan))
        if known in self._hurried:
            self._hurried.remove(known)
            self._played[known] = self._play(_case(self._data(plan)))
        return self._played[known]

    def plans(self) -> Iterator[Plan]:
        """Plans whose cases differ and in each of which something happens."""
        made: set[str] = set()
        for batch in count():
            for drawn in _batch(f"{self.runner.options.seed}/{batch}"):
                plan = reduce(lambda rest, offer: offer.without(rest), self._refused, drawn)
                data = self._data(plan)
                known = json.dumps(data)
                if len(made) == self.runner.options.examples:
                    return
                if data["steps"] and known not in made:
                    made.add(known)
                    yield plan

    def _result(self, plan: Plan) -> CaseResult | None:
        """What a plan comes to; None where there is no more time to find out."""
        data = self._data(plan)
        known = json.dumps(data)
        if known not in self._played:
            if time.monotonic() > self._until:
                return None
            failed = self._until != float("inf")
            result = self._play(_case(data), _QUICK if failed else 1.0)
            if failed and result.failures and _AT_THE_END.issuperset(self._accused(result)):
                result = self._play(_case(data))
            elif failed:
                self._hurried.add(known)
            self._played[known] = result
            if self._accused(result) and not failed:
                self._until = time.monotonic() + PATIENCE_S
        return self._played[known]

    def _fails(self, plan: Plan, aside: frozenset[str]) -> bool:
        if not self._data(plan)["steps"]:
            return False
        result = self._result(plan)
        return result is not None and not aside.issuperset(self._accused(result))

    def _play(self, case: Case, scale: float = 1.0) -> CaseResult:
        """Play one case, with all patience there is, whatever became of those before."""
        options = self.runner.options
        options = replace(options, time_scale=options.time_scale * scale, repeat=1, cases=[case] if case.file else [])
        return replace(self.runner, options=options).run_case(case)

    def _smallest(self, plan: Plan) -> CaseResult:
        """The smallest case like the one that failed that fails whenever it is played, written to its file."""
        named = self._accused(self._played[json.dumps(self._data(plan))])
        aside = frozenset() if _ASIDE.issuperset(named) else _ASIDE
        for candidate in smaller(plan, lambda other: self._fails(other, aside))[::-1][:_CONFIRMED]:
            whole = self._data(candidate)
            failed = self._played[json.dumps(whole)]
            for data in (_until_it_failed(whole, failed), whole):
                result = self._written(data, failed)
                if not aside.issuperset(self._accused(result)):
                    return result
        failed = self._played[json.dumps(self._data(plan))]
        case = self._written(self._data(plan), failed).case
        findings = (
            replace(found, outcome=Outcome.FLAKY, explanation=f"{_ONCE}: {found.explanation}")
            for found in failed.failures
            if found.requirement not in self._always
        )
        return replace(failed, case=case, findings=tuple(findings))

    def _written(self, data: dict[str, Any], failed: CaseResult) -> CaseResult:
        """Write a case that has failed, and play what was written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        first = (self._accused(failed) or _accused(failed))[0]
        file = self.folder / f"{first.lower()}-{self.transport}.json"
        names = [first, *(name for name in data["requirements"] if name != first)]
        data = {**data, "id": f"{GENERATED}/{first.lower()}", "requirements": names}
        file.write_text(_text(data), encoding="utf-8")
        (case,) = read_cases(file)
        return self._play(case)

    def _data(self, plan: Plan) -> dict[str, Any]:
        return _data_of(plan, self.transport, self.runner.options.seed)

    def _summary(self, count: int, kept: Sequence[str]) -> CaseResult:
        """All cases as one, with what none of them failed."""
        title = f"{count} cases made with the seed {self.runner.options.seed}"
        case = Case(f"{GENERATED}/all[{self.transport}]", title, tuple(kept), KERNEL, transport=self.transport)
        duration_ms = sum(result.duration_ms for result in self._played.values())
        return CaseResult(case, tuple(Finding(name, Outcome.PASS) for name in kept), duration_ms=duration_ms)


def _accused(result: CaseResult) -> list[str]:
    """The requirements that a case fails, those with a public rule before those that this kit has chosen."""
    rows = [catalogue()[finding.requirement] for finding in result.failures]
    return [row.id for row in sorted(rows, key=lambda row: (row.id in _AT_THE_END, not row.public, row.basis == "kit"))]


@cache  # for every transport the same
def _batch(seed: str) -> list[Plan]:
    """Some plans that have little in common."""
    drawn: list[Plan] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=_BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(plans())
    def draw(plan: Plan) -> None:
        drawn.append(plan)

    draw()
    return drawn[_SHORT:]


def case_of(plan: Plan, transport: str, seed: int) -> Case:
    """The case that a plan stands for."""
    return _case(_data_of(plan, transport, seed))


def _data_of(plan: Plan, transport: str, seed: int) -> dict[str, Any]:
    """The case of a plan as its file has it."""
    steps_made = tidy(written(plan, transport))
    drains = transport == STDIO and any("half_close" in step for step in steps_made)
    head = {
        "id": f"{GENERATED}/example",
        "title": f"One of the cases that are made with the seed {seed}",
        "requirements": [],
        "subject": KERNEL,
        "transports": [transport],
        "config": {
            "pools": plan.pools,
            "limits": {"max_input_buffer": plan.longest, **LIMITS, **(_TIME_TO_DRAIN if drains else {})},
        },
    }
    return _with_steps(head, steps_made)


def _case(data: dict[str, Any]) -> Case:
    return Case(
        f"{data['id']}[{data['transports'][0]}]",
        data["title"],
        tuple(data["requirements"]),
        KERNEL,
        steps(data["steps"], data["requirements"][0]),
        config=data["config"],
        transport=data["transports"][0],
    )


def _until_it_failed(data: dict[str, Any], result: CaseResult) -> dict[str, Any]:
    """A case without the steps after the one at which it was seen to fail: what came before them decided it."""
    last = max((event for found in result.failures for event in found.events), default=float("inf"))
    markers = [] if result.history is None else list(result.history.of_kind("step"))
    count = next((event.facts["index"] + 1 for event in markers if event.n >= last), len(data["steps"]))
    return _with_steps(data, tidy(data["steps"][:count]))


def _with_steps(data: dict[str, Any], played: list[dict[str, Any]]) -> dict[str, Any]:
    judged = list(dict.fromkeys(step["judges"] for step in played if "judges" in step))
    return {**data, "requirements": judged or [_NOTHING_READ], "steps": played}


def _text(data: dict[str, Any]) -> str:
    """A case as a file, with a line for each step."""
    written_steps = ",\n    ".join(json.dumps(step, ensure_ascii=False) for step in data["steps"])
    members = [f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in data.items() if key != "steps"]
    return "{\n  " + ",\n  ".join([*members, f'"steps": [\n    {written_steps}\n  ]']) + "\n}\n"
