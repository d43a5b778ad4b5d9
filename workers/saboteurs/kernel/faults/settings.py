"""Faults in configuration and command line (KRN-CFG, KRN-NET-02)."""

from __future__ import annotations

from command_line import CommandLine
from settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class DropsBackslashes(Settings):
    """Does not know the escape of a code point, in its configuration."""

    def read(self, text: bytes) -> None:
        super().read(text.replace(b"\\u", b"u"))


class WantsBothLimitsOfRestarts(Settings):
    """Refuses max_restarts without restart_window_sec."""

    def check_limits(self, value: Any, where: str) -> bool:
        if isinstance(value, dict) and "max_restarts" in value:
            self.expect("restart_window_sec" in value, where, "a member restart_window_sec")
        return super().check_limits(value, where)


class RefusesWithStatus0(Settings):
    """Exits with status 0 when its configuration is refused."""

    @property
    def status(self) -> int:
        return 0


class IgnoresUnknownKeys(Settings):
    """Does not mind a member that has no meaning."""

    def unknown(self, where: str) -> None:
        """Go on."""


class NeedsInstances(Settings):
    """Refuses a pool that does not say how many instances it has."""

    def check_pools(self, value: Any, where: str) -> bool:
        for pool in value if isinstance(value, list) else ():
            self.expect(isinstance(pool, dict) and "instances" in pool, where, "pools with a member instances")
        return super().check_pools(value, where)


class TakesAMissingFileForNone(Settings):
    """Runs without pools when its configuration cannot be read."""

    def unreadable(self, error: OSError) -> None:
        """Go on."""


class WantsConfigFirst(CommandLine):
    """Wants --config to be the first option."""

    def take(self, arguments: list[str]) -> None:
        if arguments and arguments[0] != "--config":
            self.unknown(arguments[0])
        super().take(arguments)


class HasNoDefault(CommandLine):
    """Wants a transport to be named."""

    def choose_transport(self) -> None:
        super().choose_transport()
        if not {"--check", self.transport} & self.given.keys():
            self.unknown("transport")


class ExitsWith1AtWrongUsage(CommandLine):
    """Exits with status 1 when the command line is wrong."""

    def wrong_usage(self) -> int:
        return 1


class ChecksNothing(CommandLine):
    """Finds every configuration good that it is told to check."""

    def checked(self, status: int) -> int:
        return 0


class TakesAnyPort(CommandLine):
    """Takes what it can of an address."""

    def address(self, text: str) -> tuple[str, int]:
        host, _, port = text.rpartition(":")
        return host or "127.0.0.1", int(port) % 65536 if port.isdecimal() else 0
