"""A case: what to do with a target and what to expect, as data (``schemas/case``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ACTORS = ("client", "pool", "worker", "host", "call", "kernel", "target", "line")
READINGS = ("next", "find", "take", "until", "ends", "starts")
STATEMENTS = ("assume", "elapsed", "distinct", "is")
ACTIONS = ("send", "close", "half_close", "stall", "resume", "kill", "signal", "exit", "process")
VERBS = frozenset({*READINGS, *STATEMENTS, *ACTIONS})
PROBE, SURVEY = "probe/", "survey/"
STDIO, UNIX, TCP, EMBEDDED = TRANSPORTS = ("stdio", "unix", "tcp", "embedded")
SCRIPTED, NATIVE, SUBPROCESS = BACKENDS = ("scripted", "native", "subprocess")
DOCKER = "docker"  # played on only where it is asked for: it takes an engine and an image


@dataclass(frozen=True)
class Step:
    """One thing that is done or expected.

    Attributes:
        actor: who acts or is read, as ``client:alice``, ``pool:w``, ``worker:BINDING``, ``host:api``, ``call:NAME``, ``kernel:main``,
            ``target:process``; or ``line:BINDING``, a line that was read before; empty for the other statements about what was bound.
        verb: ``send``, ``close``, ``half_close``, ``stall``, ``resume``, ``kill``, ``signal``, ``exit``; ``next``, ``find``, ``take``,
            ``until``, ``ends``, ``starts``; ``assume``, ``elapsed``, ``distinct``, ``is``.
        value: what the verb is given.
        judges: the requirement that a failure belongs to.
        more: the other members, such as ``as``, ``before``, ``all``, ``or_eof``, ``split``.
    """

    actor: str
    verb: str
    value: Any
    judges: str
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it waits for lines."""
        return self.verb in READINGS

    @property
    def acts(self) -> bool:
        """Whether it does something to the target."""
        return self.verb in ACTIONS

    @property
    def judging(self) -> bool:
        """Whether the target can fail it."""
        return self.reads or self.verb in {"elapsed", "distinct", "is"}


@dataclass(frozen=True)
class Case:
    """A case, or one of its variants where it has vectors.

    Attributes:
        id: path-like, such as ``worker/framing/blank-line``; a variant has its vector's name in brackets.
        title: what happens, in one sentence.
        requirements: those it exercises; the first owns what no step names.
        subject: ``kernel``, ``sdk``, ``worker`` or ``stream``.
        steps: what to do; empty where `check` says it.
        check: the name of a function of `pytest_stdiobus.kit.checks` that makes the steps, in place of them.
        config: the configuration of the bus, for kernels and SDKs; a text is written to its file as it stands.
        arguments: a kernel's whole command line, in place of what the transport asks for; the configuration is
            ``config.json`` in the folder it is started in.
        streams: what a kernel's standard streams are: ``pipes``, ``socket``, ``terminal`` or ``null``; pipes by default.
        descriptors: how many descriptors a kernel may have open; None for what the machine allows.
        prelude: whether the profile's opening of a conversation precedes the steps.
        seat: what the kit is for an SDK, ``kernel`` or ``worker``; empty is what its steps need.
        transports: those it can be played on; empty is every one that seats its clients. Of an SDK they are its backends;
            ``scripted`` is a kernel of the kit behind the subprocess backend.
        not_on_docker: why docker is none of them.
        transport: the one that this variant is played on.
        profiles: the worker profiles it belongs to; empty is those of its first requirement.
        env: variables added to the target's environment.
        row: the values of the vector.
        file: where it was read.
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    subject: str
    steps: tuple[Step, ...] = ()
    check: str = ""
    config: Any = field(default_factory=dict)
    arguments: Any = None
    streams: Any = ""
    descriptors: int | None = None
    prelude: bool = True
    seat: str = ""
    transports: tuple[str, ...] = ()
    not_on_docker: str = ""
    transport: str = ""
    profiles: tuple[str, ...] = ()
    env: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    @property
    def is_hosted(self) -> bool:
        """Whether it says which calls the host of a library makes."""
        return any(step.actor.startswith("host:") for step in self.steps)

    @property
    def has_stand_in(self) -> bool:
        """Whether a kernel of the kit stands in for the SDK's own: on docker where the case is played over no other that is."""
        return self.transport == SCRIPTED or (
            self.transport == DOCKER and not {NATIVE, SUBPROCESS} & set(transports_of(self))
        )

    @property
    def base(self) -> str:
        """The id that its variants share."""
        return self.id.partition("[")[0]

    @property
    def acting_pool(self) -> str:
        """The pool whose workers act in it, where there is one; a kernel of the kit can stand in for them."""
        pools = [step.actor.partition(":")[2] for step in self.steps if step.actor.startswith("pool:")]
        return pools[0] if pools else ""


def probes(played: Iterable[Step], case: Case) -> frozenset[str]:
    """The probes a target must have for the steps that are played of a case."""
    return _named(PROBE, played, case)


def surveyed(played: Iterable[Step], case: Case) -> frozenset[str]:
    """The answers of the survey that the steps that are played of a case use."""
    return _named(SURVEY, played, case)


def methods(played: Iterable[Step]) -> frozenset[str]:
    """The methods that the steps call by their names."""
    sent = (step.value for step in played if step.verb == "send" and isinstance(step.value, dict))
    return frozenset(value["method"] for value in sent if isinstance(value.get("method"), str))


def steps(data: Iterable[Mapping[str, Any]], judges: str) -> tuple[Step, ...]:
    """Steps as models; what names no requirement judges `judges`."""
    return tuple(_step(step, judges) for step in data)


def _step(data: Mapping[str, Any], judges: str) -> Step:
    actor = next((f"{kind}:{data[kind]}" for kind in ACTORS if kind in data), "")
    verb = next(key for key in data if key in VERBS)
    more = {key: value for key, value in data.items() if key not in {*ACTORS, verb, "judges"}}
    return Step(actor, verb, data[verb], data.get("judges", judges), more)


def files_of(path: Path) -> list[Path]:
    """The files of cases in a folder, or the file itself."""
    return sorted(path.rglob("*.json")) if path.is_dir() else [path]


def read_cases(file: Path) -> Iterator[Case]:
    """The case of a file: itself, or one for each of its vectors, and of these one for each transport or backend.

    Raises:
        DataError: the file is not valid.
    """
    yield from _cases_of(schemas.load(file, "case"), file)


def _cases_of(data: Mapping[str, Any], file: Path) -> Iterator[Case]:
    listed: dict[str, Any] = {
        key: tuple(data[key]) for key in ("requirements", "transports", "profiles") if key in data
    }
    known = {key: value for key, value in data.items() if key not in {*listed, "steps", "vectors"}}
    case = Case(**known, **listed, steps=steps(data.get("steps", ()), data["requirements"][0]), file=str(file))
    vectors = data.get("vectors", [])
    if len({row["name"] for row in vectors}) != len(vectors):
        raise DataError(str(file), ["$.vectors: two of them have the same name"])
    for row in vectors or [{}]:
        for transport in transports_of(case):
            names = "-".join(name for name in (row.get("name"), transport) if name)
            yield replace(case, id=f"{case.id}[{names}]" if names else case.id, row=row, transport=transport)


def transports_of(case: Case) -> tuple[str, ...]:
    """What a case is played on, one after the other.

    Only a listener seats more than one client, and what the process of a library's host uses is the host's too.
    """
    if case.subject == "sdk":
        return case.transports or _backends(case)
    if case.subject != "kernel":
        return ("",)
    if case.is_hosted:
        return (EMBEDDED,)
    actors = {step.actor for step in case.steps}
    alone = sum(actor.startswith("client:") for actor in actors) <= 1
    seats = {STDIO: alone, UNIX: True, TCP: True, EMBEDDED: alone and "target:usage" not in actors}
    return case.transports or tuple(transport for transport, fits in seats.items() if fits)


def _backends(case: Case) -> tuple[str, ...]:
    """Those of an SDK that have the seat: the kit is the kernel, or the workers behind the SDK's own, or either."""
    acting = {step.actor.partition(":")[0] for step in case.steps}
    if case.seat == "kernel" or "kernel" in acting:
        return (SCRIPTED, DOCKER)
    own = (NATIVE, SUBPROCESS, DOCKER)
    return own if case.seat == "worker" or acting & {"pool", "worker"} else (SCRIPTED, *own)


@cache
def bundled_cases() -> tuple[Case, ...]:
    """Every case of this kit, in the order of their ids.

    Raises:
        DataError: two have one id, or the installation has none.
    """
    folder = data_dir() / "conformance" / "cases"
    found: dict[str, Case] = {}
    for file in sorted(folder.rglob("*.json")):
        for case in _cases_of(
            json.loads(file.read_bytes()), file
        ):  # a test holds them against the schema, which takes seconds
            if case.id in found:
                raise DataError(str(file), [f"$.id: {case.id} is also the id of {found[case.id].file}"])
            found[case.id] = case
    if not found:
        raise DataError(str(folder), ["holds no case: install the package again"])
    return tuple(found.values())


def _named(prefix: str, played: Iterable[Step], case: Case) -> frozenset[str]:
    used = _references([case.row, case.env, *([step.value, *step.more.values()] for step in played)])
    return frozenset(name.removeprefix(prefix).split("/")[0] for name in used if name.startswith(prefix))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(source := value.get("$from", ""), str):
            yield source
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
