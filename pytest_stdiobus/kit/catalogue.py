"""The requirements, as models of `conformance/requirements/*.json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.errors import DataError, KitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PUBLIC_BASES = frozenset({"spec", "doc", "rel", "rpc"})


@dataclass(frozen=True)
class Source:
    """Where a rule can be read: a document with the place in it, and its address if it has one."""

    document: str
    url: str = ""

    def __str__(self) -> str:
        """The document and its address."""
        return f"{self.document} ({self.url})" if self.url else self.document


@dataclass(frozen=True)
class Requirement:
    """One rule a target is held to.

    Attributes:
        id: permanent, such as ``WRK-03``.
        level: ``M`` must, ``S`` should, ``Y`` may.
        basis: ``spec``, ``doc``, ``rel``, ``rpc``: public rules; ``kit``: decided here because no public one exists.
        statement: the rule in one or two sentences.
        source: where it can be read.
        subject: ``kernel``, ``sdk``, ``worker`` or ``stream``.
        seat: what the kit must be able to play, for SDKs: ``kernel`` or ``worker``.
        profiles: the worker profiles it belongs to; empty is all of them.
        capability: what a target must declare for the rule to apply to it.
        since: the version of this kit that first had it.
        why: why it matters to a user, in a sentence or two.
        hint: what to do about a failure.
        example: messages on the wire that keep the rule, one per line.
        extra: the extra of this package without which it cannot be judged.
        aliases: ids of the same rule in other kits.
        security: whether a failure lets one peer crash the target or read what belongs to another.
    """

    id: str
    level: str
    basis: str
    statement: str
    source: Source
    subject: str
    since: str
    why: str
    hint: str
    example: tuple[str, ...]
    seat: str = ""
    profiles: tuple[str, ...] = ()
    capability: str = ""
    extra: str = ""
    aliases: tuple[str, ...] = ()
    security: bool = False

    @property
    def public(self) -> bool:
        """Whether it rests on a public rule that can be shown; one without an address weighs like a choice of this kit."""
        return self.basis in PUBLIC_BASES and bool(self.source.url)

    def belongs_to(self, profile: str) -> bool:
        """Whether the rule is part of a worker profile."""
        return not self.profiles or profile in self.profiles

    def holds_for(self, profile: str, capabilities: frozenset[str]) -> bool:
        """Whether the rule holds for a target of a profile that declares these capabilities."""
        return self.belongs_to(profile) and (not self.capability or self.capability in capabilities)


def _model(data: Mapping[str, Any]) -> Requirement:
    listed = {key: tuple(data[key]) for key in ("example", "profiles", "aliases") if key in data}
    return Requirement(**{**data, **listed, "source": Source(**data["source"])})


def read_requirements(files: Iterable[Path]) -> dict[str, Requirement]:
    """The requirements of some files, by id, in the files' order.

    Raises:
        DataError: a file is not valid, or an id stands twice.
    """
    found: dict[str, Requirement] = {}
    for file in files:
        for data in schemas.load(file, "requirements")["requirements"]:
            if data["id"] in found:
                raise DataError(str(file), [f"{data['id']} stands twice: ids are permanent and unique"])
            found[data["id"]] = _model(data)
    return found


@cache
def catalogue() -> dict[str, Requirement]:
    """Every requirement of this kit, by id.

    Raises:
        DataError: the installation has none: an empty catalogue would make every run green.
    """
    folder = data_dir() / "conformance" / "requirements"
    found = read_requirements(sorted(folder.glob("*.json")))
    if not found:
        raise DataError(str(folder), ["holds no requirement: install the package again"])
    return found


@dataclass(frozen=True)
class Profile:
    """What a worker of one kind is asked for.

    Attributes:
        name: ``bus``, ``acp`` or ``mcp``.
        title: one line about it.
        capabilities: what every worker of the profile must be able to do.
        probes: calls that the cases make where the target's file names none, by probe.
        prelude: the steps with which a conversation begins, such as ``initialize``.
        survey: what is asked once before the cases: ``as``, ``method``, ``params``, ``needs``.
        declares: for a capability, ``in``: where an answer declares it, and ``is``: the schema of that value.
        refusals: answers after which cases that send a ``method`` can say nothing, with the reason ``why``.
        finds: for a probe, the ``call`` of the first item ``in`` an array that ``is`` valid against a schema.
    """

    name: str
    title: str
    capabilities: frozenset[str]
    probes: Mapping[str, Any]
    prelude: tuple[Mapping[str, Any], ...]
    survey: tuple[Mapping[str, Any], ...] = ()
    declares: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refusals: tuple[Mapping[str, Any], ...] = ()
    finds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@cache
def profiles() -> dict[str, Profile]:
    """Every worker profile, by name."""
    files = sorted((data_dir() / "conformance" / "profiles").glob("*.json"))
    loaded = [schemas.load(file, "profile") for file in files]
    return {data["name"]: _profile(data) for data in loaded}


def _profile(data: Mapping[str, Any]) -> Profile:
    listed = {key: tuple(data[key]) for key in ("prelude", "survey", "refusals") if key in data}
    return Profile(**{**data, **listed, "capabilities": frozenset(data["capabilities"])})


def profile(name: str) -> Profile:
    """The profile called `name`.

    Raises:
        KitError: there is none; the message lists them.
    """
    if name not in profiles():
        message = f"{name!r} is not a profile; use {', '.join(profiles())}"
        raise KitError(message)
    return profiles()[name]


def requirement(name: str) -> Requirement:
    """The requirement with an id.

    Raises:
        KitError: there is none; the message names the nearest.
    """
    if name in catalogue():
        return catalogue()[name]
    near = get_close_matches(name.upper(), catalogue())
    message = f"{name!r} is not a requirement; {'near it: ' + ', '.join(near) if near else 'list shows them all'}"
    raise KitError(message)


def applies(requirement: Requirement, subject: str, profile_name: str) -> bool:
    """Whether a requirement is one of a kind of target, in a profile."""
    return requirement.subject == subject and requirement.belongs_to(profile_name)
