"""The one runner: a target, the cases that apply to it, and what each of them came to."""

from __future__ import annotations

import os
import shlex
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import foreign
from pytest_stdiobus.kit import survey as surveying
from pytest_stdiobus.kit.attend import Attendant
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import DOCKER, SUBPROCESS, Case, bundled_cases, methods, probes, steps, surveyed
from pytest_stdiobus.kit.catalogue import catalogue, profile
from pytest_stdiobus.kit.checks import find_check
from pytest_stdiobus.kit.comparing import attributed, steady, without_its_kernel
from pytest_stdiobus.kit.drivers.adapter_process import Adapters
from pytest_stdiobus.kit.drivers.kernel import KernelSeat
from pytest_stdiobus.kit.drivers.through_bus import ThroughBusSeat
from pytest_stdiobus.kit.drivers.worker import WorkerSeat
from pytest_stdiobus.kit.errors import HarnessError, KitError
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.judge import judge, values
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.patience import DEADLINE_S, Patience
from pytest_stdiobus.kit.play import Player
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.sdk import Sdk, not_contained, opening_of
from pytest_stdiobus.kit.select import selects
from pytest_stdiobus.kit.starting import died_in_silence, why_it_does_not_start
from pytest_stdiobus.kit.supervisor import Supervisor
from pytest_stdiobus.kit.target import KERNEL, SDK, WORKER
from pytest_stdiobus.kit.through import obstacle
from pytest_stdiobus.kit.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.drivers.seat import Seat
    from pytest_stdiobus.kit.target import Target

BUS_NATIVE = "bus-native"
GENERATED = "kernel/generated"  # with it begin the ids of cases that are made at random


@dataclass
class Runner:
    """Judges one target, case by case; use it as a context manager."""

    target: Target
    options: Options = field(default_factory=Options)
    _supervisor: Supervisor = field(default_factory=Supervisor)
    _stack: ExitStack = field(default_factory=ExitStack)
    _patience: Patience = field(init=False)
    _starts: bool = False  # whether that is known
    sdk: Sdk = field(init=False)

    def __post_init__(self) -> None:
        """Begin with all patience there is."""
        self._patience = Patience(self.options.time_scale)
        self._supervisor.time_scale = self.options.time_scale
        kernels = {SUBPROCESS: self.options.kernel, DOCKER: self.options.image}
        self.sdk = Sdk(self.target, self._patience, Adapters(self._supervisor), kernels)

    def __enter__(self) -> Runner:  # noqa: PYI034 - Self is not in Python 3.10
        """Start the supervisor."""
        self._stack.enter_context(self._supervisor)
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and everything it started."""
        self.sdk.close()
        self._stack.close()

    @property
    def cases(self) -> list[Case]:
        """The cases of the profile that the options select."""
        subject = self.target.subject
        known = [case for case in (*bundled_cases(), *self.options.cases) if case.subject == subject]
        if DOCKER in self.options.transports:
            known += not_contained(known)
        return [case for case in known if self._is_meant(case)]

    @property
    def explored(self) -> tuple[str, ...]:
        """The transports on which the options want cases that are made at random."""
        if not self.options.examples or self.target.subject != KERNEL:
            return ()
        played = self.options.transports or self.target.transports
        return tuple(name for name in played if selects(self.options.select, [f"{GENERATED}/all[{name}]"]))

    def run(self) -> Iterator[CaseResult]:
        """Judge case after case."""
        for case in self.cases:
            yield self.run_case(case)

    def run_case(self, case: Case) -> CaseResult:
        """Judge one case, as often as the options say."""
        try:
            played = steps_of(case, self.options.profile, self.options.seed)
            obstacle = (self.sdk.obstacle if case.subject == SDK else self._obstacle)(case, played)
        except Exception as error:  # noqa: BLE001 - a mistake of the kit costs one case, not the run
            return CaseResult(case, _ours(case, _told(error)))
        if obstacle:
            return CaseResult(case, tuple(Finding(name, *obstacle) for name in case.requirements))
        begun = time.monotonic()
        runs = [self._judged(case, played) for _ in range(self.options.repeat)]
        result = steady(runs)
        alone = without_its_kernel(case) if result.failures else None
        if alone is not None and not self.sdk.obstacle(alone, played):
            result = attributed(result, self._judged(alone, played))
        return replace(result, duration_ms=round((time.monotonic() - begun) * 1000))

    def refuse_what_does_not_start(self, result: CaseResult) -> None:
        """See from its first case that a target starts; an adapter is asked before that what it is.

        Raises:
            KitError: it ended in silence there, and does so when nothing is asked of it; the message quotes its stderr.
        """
        if self._starts or result.history is None:
            return
        self._starts = self.target.subject == SDK or not died_in_silence(result.history)
        if self._starts:
            return
        if why := why_it_does_not_start(self._plain_seat(result.case), DEADLINE_S):
            command = shlex.join(self.target.command)
            message = f"{self.target.name} does not start: {why}\nnothing was judged; start it by hand: {command}"
            raise KitError(message)
        self._starts = True

    def _plain_seat(self, case: Case) -> Seat:
        history = History()
        if self.target.subject == WORKER:
            return WorkerSeat(self.target, history, self._supervisor, self._patience)
        one = {"pools": [{"id": "w", "worker": "scripted", "instances": 1}]}
        transport = case.transport or self.target.transports[0]
        return KernelSeat(self.target, history, self._supervisor, self._patience, config=one, transport=transport)

    def _is_meant(self, case: Case) -> bool:
        wanted = self.options.profile
        named = case.profiles or catalogue()[case.requirements[0]].profiles
        if named and wanted not in named:
            return False
        if case.transport and case.transport not in (self.options.transports or self.target.transports):
            return False
        return selects(self.options.select, (case.id, *case.requirements))

    @cached_property
    def survey(self) -> surveying.Survey:
        """What the target says of itself, asked before the first case that wants to know."""
        asked = profile(self.options.profile)
        if not asked.survey and not asked.declares:
            return surveying.Survey()
        history = History({"target": self.target.name, "profile": asked.name, "values": {}})
        seat = WorkerSeat(self.target, history, self._supervisor, self._patience)
        return surveying.conduct(asked, self._player(seat, Bindings({}), ()))

    def _obstacle(self, case: Case, played: Sequence[Step]) -> tuple[Outcome, str] | None:
        """Why the case cannot be played against the target."""
        rows = [catalogue()[name] for name in case.requirements]
        if rows[0].extra and not foreign.models(rows[0].extra):
            return Outcome.SKIPPED, foreign.remedy(rows[0].extra)
        for row in rows:
            if row.capability and row.capability not in self._capabilities:
                return Outcome.NOT_APPLICABLE, f"the capability {row.capability} is not declared"
        missing = sorted(probes(played, case) - self._probes.keys())
        if missing:
            return Outcome.NOT_APPLICABLE, f"it needs a call to make: give the target a file with probes.{missing[0]}"
        if self.options.through and (reason := obstacle(played, Bindings(self._values(case)))):
            return Outcome.NOT_APPLICABLE, f"it cannot be played through a bus: {reason}"
        if unknown := sorted(surveyed(played, case) - self.survey.answers.keys()):
            return Outcome.UNTESTABLE, f"what every case begins with had no usable answer called {unknown[0]}"
        why = next((why for method, why in self.survey.refusals.items() if method in methods(played)), None)
        return (Outcome.UNTESTABLE, why) if why else None

    @property
    def _capabilities(self) -> frozenset[str]:
        declared = self.sdk.description.capabilities if self.target.subject == SDK else self.survey.capabilities
        return self.target.capabilities | profile(self.options.profile).capabilities | declared

    @property
    def _probes(self) -> dict[str, Any]:
        return {**profile(self.options.profile).probes, **self.survey.probes, **self.target.probes}

    def _values(self, case: Case) -> dict[str, Any]:
        return values(case, self._probes, self.survey.answers)

    def _player(self, seat: Seat, bindings: Bindings, played: Sequence[Step]) -> Player:
        walk = Walk(seat.history, bindings, messages_only=self.target.subject == WORKER)
        return Player(seat, walk, self._patience, Attendant(self.options.profile, played))

    def _judged(self, case: Case, played: Sequence[Step]) -> CaseResult:
        """One run; once more where this machine was too busy to tell."""
        for _ in range(2):
            result, late = self._played(case, played)
            if self.sdk.adapters.reused and result.outcome not in {Outcome.PASS, Outcome.NOT_APPLICABLE}:
                result, late = self._played_anew(case, played)
            if not (result.failures and late):
                return result
        return CaseResult(case, _ours(case, "this machine was too busy to keep a deadline, twice"), result.history)

    def _played_anew(self, case: Case, played: Sequence[Step]) -> tuple[CaseResult, bool]:
        """One run with an adapter that has served no other case: only that is held against anybody."""
        self.sdk.adapters.close()
        result, late = self._played(case, played)
        if result.outcome is Outcome.PASS:
            self.sdk.adapters.lasting = False
        return result, late

    def _played(self, case: Case, played: Sequence[Step]) -> tuple[CaseResult, bool]:
        """What one run came to, and whether a deadline was missed in it while this machine was busy."""
        history = self._history(case)
        try:
            bindings = Bindings(history.head["values"])
            target = replace(self.target, env={**self.target.env, **bindings.expand(case.env)})
            player = self._player(self._seat(case, target, history), bindings, played)
            player.play(played)
            return CaseResult(case, judge(case, played, history, case.subject), history), player.seat.pump.late
        except Exception as error:  # noqa: BLE001 - a mistake of the kit costs one case, not the run
            return CaseResult(case, _ours(case, _told(error)), history), False

    def _seat(self, case: Case, target: Target, history: History) -> Seat:
        if case.subject == KERNEL:
            expand, config = Bindings(history.head["values"]).expand, history.head["config"]
            return KernelSeat(
                target,
                history,
                self._supervisor,
                self._patience,
                config=config,
                transport=case.transport,
                arguments=expand(case.arguments),
                streams=expand(case.streams),
                descriptors=case.descriptors,
                hosted=case.is_hosted,
            )
        if case.subject == SDK:
            config, pool = history.head["config"], case.acting_pool
            backend, stand_in = case.transport, case.has_stand_in
            return self.sdk.seat(target, history, config=config, backend=backend, stand_in=stand_in, pool=pool)
        if self.options.through:
            return ThroughBusSeat(
                target,
                history,
                self._supervisor,
                self._patience,
                kernel=self.options.through,
                envelope=self.options.envelope,
                in_session=BUS_NATIVE not in profile(self.options.profile).capabilities,
            )
        return WorkerSeat(target, history, self._supervisor, self._patience)

    def _history(self, case: Case) -> History:
        known = self._values(case)
        head = {
            "target": self.target.name,
            "case": case.id,
            **({"transport": case.transport} if case.transport else {}),
            **({"config": Bindings(known).expand(case.config)} if case.subject in {KERNEL, SDK} else {}),
            "profile": self.options.profile,
            "capabilities": sorted(self._capabilities),
            "seed": self.options.seed,
            "time_scale": self.options.time_scale,
            **({"through": self.options.through, "envelope": self.options.envelope} if self.options.through else {}),
            **({"kernel": self.options.kernel} if self.options.kernel else {}),
            **({"image": self.options.image} if self.options.image else {}),
            "values": known,
            **({"case_file": case.file} if case in self.options.cases else {}),
        }
        return History(head)


def steps_of(case: Case, profile_name: str, seed: int) -> tuple[Step, ...]:
    """The steps that are played: those of the case or of its check, after the profile's opening of a conversation.

    Raises:
        KitError: there is no such check.
    """
    own = steps(find_check(case.check)(seed), case.requirements[0]) if case.check else case.steps
    opening: Sequence[Any] = ()
    if case.subject == WORKER and case.prelude:
        opening = profile(profile_name).prelude
    elif case.subject == SDK and case.prelude:
        opening = opening_of(case)
    return (*steps(opening, case.requirements[0]), *own)


def _ours(case: Case, why: str) -> tuple[Finding, ...]:
    return tuple(Finding(name, Outcome.HARNESS_ERROR, why) for name in case.requirements)


def _told(error: Exception) -> str:
    """What went wrong, and of a mistake of ours in which line."""
    if isinstance(error, (KitError, HarnessError)):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"a mistake of the kit: {type(error).__name__}: {error} ({os.path.basename(last.filename)}, line {last.lineno})"
    )
