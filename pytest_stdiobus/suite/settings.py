"""What is judged, how, and where the report goes: the options of the kit, all of them read before anything runs."""

from __future__ import annotations

import datetime as dt
import math
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus import options
from pytest_stdiobus.kit import baseline, target
from pytest_stdiobus.kit.catalogue import profile
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.verdict import Rules
from pytest_stdiobus.report import failures
from pytest_stdiobus.report.faces import face
from pytest_stdiobus.report.run import Run
from pytest_stdiobus.suite.offered import offered_cases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.options import Option


@dataclass(frozen=True)
class Settings:
    """What the user chose.

    Attributes:
        run: the target, how it is played, and how that counts.
        reports: the files to write.
        kept: the folder for the histories of what failed.
    """

    run: Run
    reports: tuple[Path, ...]
    kept: Path


def read(config: pytest.Config) -> Settings:
    """The settings of a run.

    Raises:
        pytest.UsageError: a value that cannot work; the message names the option, and in a file the place.
    """
    kept = config.invocation_params.dir / failures.FOLDER
    try:
        failures.check(kept)
    except KitError as error:
        raise pytest.UsageError(str(error)) from None
    judged, file = _target(config)
    played = Options(
        profile=_checked(options.PROFILE, config, lambda name: profile(name).name),
        repeat=_checked(options.REPEAT, config, _positive),
        seed=_checked(options.SEED, config, _whole),
        time_scale=_checked(options.TIME_SCALE, config, _factor),
        cases=offered_cases(config),
    )
    known = _checked(options.KNOWN_FAILURES, config, lambda name: _baseline(name, config, judged.name))
    rules = Rules(strict=options.STRICT.is_on(config))
    return Settings(Run(judged, played, rules, known, file), tuple(_reports(config)), kept)


def _target(config: pytest.Config) -> tuple[target.Target, str]:
    """The target, and its file if it has one."""
    worker, file = options.WORKER.value(config), options.TARGET.value(config)
    if options.WORKER.is_on_command_line(config) and not options.TARGET.is_on_command_line(config):
        file = ""
    elif options.TARGET.is_on_command_line(config) and not options.WORKER.is_on_command_line(config):
        worker = ""
    if bool(worker) == bool(file):
        message = f"name one target to judge: {options.WORKER.flag}='python my_agent.py' or {options.TARGET.flag}=FILE"
        raise pytest.UsageError(message)
    if worker:
        folder = str(options.WORKER.folder(config))
        return _checked(options.WORKER, config, lambda text: target.from_command(_words(text), folder=folder)), ""
    path = options.TARGET.folder(config) / file
    return _checked(options.TARGET, config, lambda _: target.from_file(path)), str(path)


def _baseline(file: str, config: pytest.Config, name: str) -> baseline.Baseline:
    if not file:
        return baseline.Baseline()
    today = dt.datetime.now(dt.timezone.utc).date()
    return baseline.read(options.KNOWN_FAILURES.folder(config) / file, name, today)


def _reports(config: pytest.Config) -> list[Path]:
    files = [options.REPORT.folder(config) / name for name in options.REPORT.values(config)]
    _refusing(options.REPORT, lambda: [face(file) for file in files])
    return files


def _checked(option: Option, config: pytest.Config, read: Callable[[str], Any]) -> Any:
    return _refusing(option, lambda: read(option.value(config)))


def _refusing(option: Option, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (KitError, ValueError) as error:
        message = f"{option.flag}: {str(error).removeprefix('--report ')}"  # the name that the command has for it
        raise pytest.UsageError(message) from None


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        message = f"{command!r} cannot be read as a shell would: {error}"
        raise ValueError(message) from None


def _whole(text: str) -> int:
    if not text.isdecimal():
        message = f"expected a whole number from 0, got {text!r}"
        raise ValueError(message)
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        message = f"expected a whole number from 1, got {text!r}"
        raise ValueError(message)
    return int(text)


def _factor(text: str) -> float:
    message = f"expected a number above 0, got {text!r}"
    try:
        number = float(text)
    except ValueError:
        raise ValueError(message) from None
    if not 0 < number < math.inf:
        raise ValueError(message)
    return number
