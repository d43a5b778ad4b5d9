"""Cases as pytest items: a case is played when its item is set up, and judged when it is called.

So what is the kit's own failure is an error of the item, and what is the target's is a failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.own_cases import read_own_cases
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.suite.outcomes import known_reason, skip_reason, weighty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.report.run import Run

NODE = "stdiobus"  # the node that holds the packaged cases: their ids begin with it
SUFFIX = ".stdiobus.json"  # of files with cases of the user's
MARKER = "stdiobus_conformance"


class Player(Protocol):
    """Who plays cases and tells of them."""

    run: Run

    def meant(self, cases: Sequence[Case]) -> list[Case]:
        """Those of some cases that belong to the profile."""

    def play(self, case: Case) -> CaseResult:
        """Play a case."""

    def told(self, result: CaseResult) -> str:
        """What is shown of a case that failed."""


class CaseItem(pytest.Item):
    """One case, or one vector of it."""

    def __init__(self, *, case: Case, player: Player, **more: Any) -> None:
        """Carry the requirements as keywords for ``-k``, and the ids as properties for JUnit files."""
        super().__init__(**more)
        self.case = case
        self.result: CaseResult | None = None
        self._player = player
        self.add_marker(MARKER)
        self.extra_keyword_matches.update(case.requirements)
        self.user_properties += [("stdiobus_case", case.id), ("stdiobus_requirements", " ".join(case.requirements))]

    def setup(self) -> None:
        """Play the case."""
        self.result = self._player.play(self.case)
        if self.result.outcome is Outcome.HARNESS_ERROR:
            pytest.fail(self._player.told(self.result), pytrace=False)

    def runtest(self) -> None:
        """Say what it came to."""
        if self.result is None:
            message = f"{self.nodeid} has not been played"
            raise RuntimeError(message)
        if reason := skip_reason(self.result):
            pytest.skip(reason)
        if not weighty(self.result, self._player.run):
            return
        if reason := known_reason(self.result, self._player.run):
            pytest.xfail(reason)
        pytest.fail(self._player.told(self.result), pytrace=False)

    def reportinfo(self) -> tuple[str, int, str]:
        """Where the case is written down."""
        return self.case.file or str(self.path), 0, self.name


class Cases(pytest.Collector):
    """The packaged cases that are selected."""

    player: Player
    cases: Sequence[Case] = ()

    @classmethod
    def of(cls, session: pytest.Session, cases: Sequence[Case], player: Player) -> Cases:
        """The node below the session that has an item for each case."""
        node: Cases = cls.from_parent(session, name=NODE, nodeid=NODE)
        node.cases, node.player = cases, player
        return node

    def collect(self) -> Iterator[CaseItem]:
        """An item for each case."""
        return (item(self, case, self.player) for case in self.cases)


class CaseFile(pytest.File):
    """A file of the user's with a case."""

    player: Player

    def collect(self) -> Iterator[CaseItem]:
        """Its case, once for each vector.

        Raises:
            CollectError: the file is not valid.
        """
        try:
            cases = read_own_cases([self.path])
        except KitError as error:
            raise self.CollectError(str(error)) from None
        for case in self.player.meant(cases):
            yield item(self, case, self.player)


def item(parent: pytest.Collector, case: Case, player: Player) -> CaseItem:
    """The item of a case; the id is written out, as pytest would not part a vector's name from its own."""
    made: CaseItem = CaseItem.from_parent(
        parent, name=case.id, nodeid=f"{parent.nodeid}::{case.id}", case=case, player=player
    )
    return made
