"""Mistakes in cases that a run would not show: names that lead nowhere, steps that judge nothing, vectors nobody reads.

What a case expects is tried out where a target has met it: `kit.mutation`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import checks, lint_schemas, pattern, schemas
from pytest_stdiobus.kit.bindings import FROM, REPEAT, SUM
from pytest_stdiobus.kit.case import Case, files_of, read_cases, steps
from pytest_stdiobus.kit.catalogue import Profile, catalogue, profiles
from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.kit.parts import takes_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pytest_stdiobus.kit.case import Step

# What a step may say besides who, the verb and "judges".
_MEMBERS = {
    "send": {"as", "split"},
    "next": {"as", "or_eof", "wait_ms"},
    "find": {"as", "or_eof", "wait_ms"},
    "until": {"as", "or_eof", "before", "wait_ms"},
    "take": {"as", "all"},
    "starts": {"as"},
}
_ALWAYS = frozenset({"probe", "survey", "target"})  # what every case can refer to
_ANY = "\0any"  # stands for a value that only a run knows


@dataclass(frozen=True)
class Fault:
    """A mistake in a case or profile.

    Attributes:
        file: where it was read, or the id of the case where it has no file.
        path: the JSON path in it.
        expected: what should be there.
    """

    file: str
    path: str
    expected: str

    def __str__(self) -> str:
        """File, JSON path, and what was expected."""
        return f"{self.file}: {self.path}: {self.expected}"


def lint(cases: Iterable[Path | Case]) -> list[Fault]:
    """The faults of cases, of files that hold one, and of all such files in folders.

    Args:
        cases: everything that will be run together, so that ids can be compared.
    """
    found: dict[Fault, None] = {}
    read: list[Case] = []
    for item in cases:
        for file in [item] if isinstance(item, Case) else files_of(item):
            try:
                read += [file] if isinstance(file, Case) else read_cases(file)
            except DataError as error:
                found.update((_of_data(error, text), None) for text in error.faults)
    groups: defaultdict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in read:
        groups[case.file, case.base].append(case)
    for variants in groups.values():
        found.update(dict.fromkeys(_of_variants(variants)))
    found.update(dict.fromkeys(_of_ids(groups)))
    return list(found)


def lint_profile(profile: Profile) -> list[Fault]:
    """The faults of a profile's opening, which precedes every case of it."""
    file, opening = f"profiles/{profile.name}.json", steps(profile.prelude, "")
    found = [
        Fault(file, f"$.prelude[{index}]", "expected judges: a case is not to blame for how its conversation opens")
        for index, step in enumerate(opening)
        if step.judging and not step.judges
    ]
    return found + [
        Fault(file, f"$.prelude{path}", what) for path, what in _of_steps(opening, set(_ALWAYS), _surveyed(profile))
    ]


def _surveyed(profile: Profile) -> frozenset[str]:
    """The names that the profile's questions about a target use."""
    facts = (*profile.declares.values(), *profile.refusals, *profile.finds.values())
    return frozenset(fact["in"].partition("/")[0] for fact in facts)


def _of_data(error: DataError, text: str) -> Fault:
    path, _, expected = text.partition(": ") if text.startswith("$") else ("$", "", text)
    return Fault(error.file, path, expected)


def _of_ids(groups: Iterable[tuple[str, str]]) -> Iterator[Fault]:
    known: dict[str, str] = {}
    for file, name in groups:
        if name in known:
            yield Fault(
                file or name, "$.id", f"expected an id of its own, {name} is also in {known[name] or 'the run'}"
            )
        known.setdefault(name, file)


def _of_variants(variants: Sequence[Case]) -> Iterator[Fault]:
    """The faults of a case with all its vectors."""
    first = variants[0]
    place = first.file or first.id
    for path, what in (*_of_requirements(first), *_of_what_is_played(first), *_of_vectors(variants)):
        yield Fault(place, path, what)


def _of_requirements(case: Case) -> Iterator[tuple[str, str]]:
    named = case.profiles or (catalogue()[case.requirements[0]].profiles if case.requirements[0] in catalogue() else ())
    for index, name in enumerate(case.requirements):
        row = catalogue().get(name)
        if row is None:
            yield f"$.requirements[{index}]", f"expected a requirement of the catalogue, {name} is none"
        elif row.subject != case.subject:
            yield (
                f"$.requirements[{index}]",
                f"expected a requirement of a {case.subject}, {name} is one of a {row.subject}",
            )
        elif strange := [profile for profile in named or profiles() if not row.belongs_to(profile)]:
            yield (
                f"$.requirements[{index}]",
                f"expected a requirement of every profile it is played in, {name} is not of {strange[0]}",
            )


def _of_what_is_played(case: Case) -> Iterator[tuple[str, str]]:
    played = case.steps
    if case.check:
        try:
            played = steps(checks.find_check(case.check)(0), case.requirements[0])
        except KitError as error:
            yield "$.check", f"expected a check: {error}"
            return
    known = {*_ALWAYS, *(["row"] if case.row else []), *_opening_names(case)}
    for path, what in _of_steps(played, known):
        yield f"$.{'check' if case.check else 'steps'}{path}", what
    judged = {step.judges for step in played if step.judging} | checks.held_always(case.subject)
    for index, name in enumerate(case.requirements):
        if name not in judged:
            yield (
                f"$.requirements[{index}]",
                f"expected a step that judges {name}; there is none, and no rule for every history",
            )
    for index, step in enumerate(played):
        if step.judges not in case.requirements:
            yield f"$.steps[{index}].judges", f"expected one of the case's requirements, {step.judges} is none of them"
        if not takes_part(step, case.subject):
            yield (
                f"$.steps[{index}]",
                f"expected what takes part in a {case.subject}'s case, not that {step.actor} can {step.verb}",
            )


def _opening_names(case: Case) -> set[str]:
    """What the openings of all profiles bind that the case can be played in."""
    if not case.prelude:
        return set()
    names = [
        {step["as"] for step in profile.prelude if "as" in step}
        for profile in profiles().values()
        if not case.profiles or profile.name in case.profiles
    ]
    return set.intersection(*names) if names else set()


def _of_steps(
    played: Sequence[Step], known: set[str], used_later: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    """The faults of steps that begin with some names known; the paths are relative to the list of them."""
    bound, closed = set(known), set[str]()
    for index, step in enumerate(played):
        expectation = lint_schemas.of_step(step) or _of_expectation(step)
        for path, what in (*_of_members(step), *_of_names(step, bound), *expectation):
            yield f"[{index}]{path}", what
        if step.verb in {"send", "half_close"} and step.actor in closed:
            yield f"[{index}].{step.verb}", f"expected nothing to be done to {step.actor} after its input was closed"
        if step.verb in {"close", "half_close"}:
            closed.add(step.actor)
        if "as" in step.more:
            bound.add(step.more["as"])
    used = {reference.partition("/")[0] for step in played for _, reference in _of_step(step)} | used_later
    for index, step in enumerate(played):
        if "as" in step.more and step.more["as"] not in used:
            yield f"[{index}].as", f"expected a step that uses {step.more['as']!r}; there is none"


def _of_members(step: Step) -> Iterator[tuple[str, str]]:
    allowed = _MEMBERS.get(step.verb, {"as"} if step.acts else set())
    for member in sorted(step.more.keys() - allowed):
        yield f".{member}", f"expected no {member} beside {step.verb}"


def _of_names(step: Step, bound: set[str]) -> Iterator[tuple[str, str]]:
    for path, reference in _of_step(step):
        if what := _of_reference(reference, bound):
            yield path, what


def _of_expectation(step: Step) -> Iterator[tuple[str, str]]:
    if step.verb == "take":
        if schemas.is_valid([{}], _filled(step.more["all"])):
            yield ".all", "expected something that not every object is: this accepts [{}]"
    elif (
        (step.reads or step.verb == "is")
        and step.verb not in {"ends", "starts"}
        and pattern.difference(_filled(step.value), {}, "") is None
    ):
        yield f".{step.verb}", "expected something that not every object is: this accepts {}"


def _of_reference(reference: str, bound: set[str]) -> str:
    name, _, pointer = reference.partition("/")
    if name not in bound:
        return f"expected a name that a step before it has as its name, {name!r} is none"
    probe, _, member = pointer.partition("/")
    if name == "probe" and probe not in _probes():
        return f"expected one of the probes {', '.join(_probes())}, {probe!r} is none"
    if name == "probe" and member == "params":
        return f'expected "$from": "probe/{probe}" beside the other members, because not every probe has params'
    return ""


def _probes() -> list[str]:
    return sorted(schemas.schema("target")["$defs"]["probes"]["properties"])


def _of_vectors(variants: Sequence[Case]) -> Iterator[tuple[str, str]]:
    first = variants[0]
    if not first.row:
        return
    used = [
        reference
        for _, reference in _references(
            [
                first.env,
                first.config,
                first.arguments,
                first.streams,
                *([step.value, *step.more.values()] for step in first.steps),
            ]
        )
    ]
    read = {reference.partition("/")[2].partition("/")[0] for reference in used if reference.startswith("row/")}
    seen: dict[str, str] = {}
    for index, case in enumerate(variants):
        values = {key: value for key, value in case.row.items() if key != "name"}
        for path, what in lint_schemas.of_row(values):
            yield f"$.vectors[{index}]{path}", what
        for name in sorted(read - values.keys()):
            yield f"$.vectors[{index}]", f"expected {name!r}, which a step reads"
        for name in sorted(values.keys() - read):
            yield f"$.vectors[{index}].{name}", f"expected a step that reads row/{name}; there is none"
        same = seen.setdefault(repr(values), case.row["name"])
        if same != case.row["name"]:
            yield f"$.vectors[{index}]", f"expected values of its own, they are those of {same!r}"


def _of_step(step: Step) -> Iterator[tuple[str, str]]:
    yield from _references({step.verb: step.value, **step.more})
    kind, _, name = step.actor.partition(":")
    if kind in {"worker", "line"}:
        yield f".{kind}", name


def _references(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every name that is used in a value, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == FROM and isinstance(item, str):
                yield path, item
            elif key == "distinct":
                yield from ((f"{path}.distinct", name) for name in item)
            elif path == ".assume" and key == "that":
                yield f"{path}.that", item
            elif path == ".elapsed" and key in {"from", "to"}:
                yield f"{path}.{key}", item
            else:
                yield from _references(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{path}[{index}]")


def _filled(value: Any) -> Any:
    """A value with something in the place of what only a run knows."""
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() in ({FROM}, {REPEAT}, {SUM}):
        return _ANY
    return {key: _filled(item) for key, item in value.items() if key != FROM}
