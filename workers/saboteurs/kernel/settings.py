"""The configuration: read strictly, every fault named by its place."""

from __future__ import annotations

from envelopes import Number, Reader, is_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_WHOLE = "a whole number from {} to {}"
LIMITS = {
    "max_input_buffer": (10 << 20, 64, 1 << 30),
    "max_output_queue": (40 << 20, 1, 1 << 32),
    "max_total_buffer": (1 << 30, 1024, 1 << 40),
    "max_restarts": (5, 0, 1_000_000),
    "restart_window_sec": (60, 1, 86400),
    "drain_timeout_sec": (30, 0, 86400),
    "backpressure_timeout_sec": (60, 1, 86400),
}
MOST_INSTANCES = 1024


class PoolSettings:
    """What a pool is made of."""

    def __init__(self, data: dict[str, Any]) -> None:
        """Take what was read, with what is left out."""
        self.id: str = data["id"]
        self.command: str = data["command"]
        self.args: list[str] = data.get("args", [])
        self.instances = int(data.get("instances", 1))
        self.env: dict[str, str] = data.get("env", {})
        self.inherit: bool | list[str] = data.get("inherit_env", True)
        self.cwd: str | None = data.get("cwd")
        self.strip: bool = data.get("envelope") == "strip"


class Settings:
    """Reads a configuration; its faults are a list of sentences."""

    def __init__(self) -> None:
        """Begin with the limits of a configuration that names none."""
        self.pools: list[PoolSettings] = []
        self.limits = {name: default for name, (default, _, _) in LIMITS.items()}
        self.faults: list[str] = []

    @property
    def status(self) -> int:
        """The exit status that it gives rise to."""
        return 1 if self.faults else 0

    def unreadable(self, error: OSError) -> None:
        """Remember that there is nothing to read."""
        self.faults.append(str(error))

    def read(self, text: bytes) -> None:
        """Read it whole, and remember every fault."""
        reader = _Strict()
        try:
            document, end = reader.value(text.decode(), len(text) - len(text.lstrip()))
            reader.at_end(text.decode(), end)
        except _TwiceError as twice:
            self.faults.append(f"{twice} stands twice")
            return
        except (ValueError, RecursionError):
            self.faults.append("expected one JSON object")
            return
        if self.object(document, "", self.members()) and not self.faults:
            self.pools = [PoolSettings(pool) for pool in document["pools"]]
            self.limits.update({name: int(value) for name, value in document.get("limits", {}).items()})

    def members(self) -> dict[str, Callable[[Any, str], bool]]:
        """What checks each member of the document."""
        return {"pools": self.check_pools, "limits": self.check_limits}

    def members_of_a_pool(self) -> dict[str, Callable[[Any, str], bool]]:
        """What checks each member of a pool."""
        return {
            "id": self.check_name,
            "command": self.check_name,
            "args": lambda value, where: self.expect(_texts(value), where, "an array of strings"),
            "instances": lambda value, where: self.check_whole(value, where, 1, MOST_INSTANCES),
            "env": lambda value, where: self.expect(
                isinstance(value, dict) and _texts(list(value.values())), where, "an object of strings"
            ),
            "inherit_env": lambda value, where: self.expect(
                isinstance(value, bool) or _texts(value), where, "true, false or an array of strings"
            ),
            "cwd": self.check_name,
            "envelope": lambda value, where: self.expect(value in {"forward", "strip"}, where, '"forward" or "strip"'),
        }

    def expect(self, good: bool, where: str, what: str) -> bool:
        """Remember a fault where something is not as expected."""
        if not good:
            self.faults.append(f"{where or 'the document'}: expected {what}")
        return good

    def object(self, value: Any, where: str, members: dict[str, Callable[[Any, str], bool]]) -> bool:
        """Check an object, member by member."""
        if not self.expect(isinstance(value, dict), where, "an object"):
            return False
        for name in value:
            place = f"{where}.{name}".lstrip(".")
            if name in members:
                members[name](value[name], place)
            else:
                self.unknown(place)
        return True

    def unknown(self, where: str) -> None:
        """Refuse a member that has no meaning."""
        self.faults.append(f"{where}: unknown key")

    def check_pools(self, value: Any, where: str) -> bool:
        """Check the pools."""
        if not self.expect(isinstance(value, list) and value != [], where, "a non-empty array of pools"):
            return False
        seen: set[str] = set()
        for index, pool in enumerate(value):
            place = f"{where}[{index}]"
            if self.object(pool, place, self.members_of_a_pool()):
                for name in ("id", "command"):
                    self.expect(name in pool, place, f"a member {name}")
                if is_text(pool.get("id")):
                    self.expect(self.is_new(pool["id"], seen), f"{place}.id", "an id that no other pool has")
                    seen.add(pool["id"])
        return True

    def is_new(self, name: str, seen: set[str]) -> bool:
        """Whether no earlier pool has this id."""
        return name not in seen

    def check_limits(self, value: Any, where: str) -> bool:
        """Check the limits."""
        return self.object(value, where, {name: self.limit(*bounds) for name, (_, *bounds) in LIMITS.items()})

    def limit(self, least: int, most: int) -> Callable[[Any, str], bool]:
        """What checks a limit."""
        return lambda value, where: self.check_whole(value, where, least, most)

    def check_name(self, value: Any, where: str) -> bool:
        """Check a text that may not be empty."""
        return self.expect(is_text(value) and value != "" and "\0" not in value, where, "a string that is not empty")

    def check_whole(self, value: Any, where: str, least: int, most: int) -> bool:
        """Check a number."""
        whole = isinstance(value, Number) and value.lstrip("-").isdigit() and least <= int(value) <= most
        return self.expect(whole, where, _WHOLE.format(least, most))


class _TwiceError(Exception):
    """A member that stands twice."""


class _Strict(Reader):
    """Refuses members that stand twice, on every level."""

    def rules(self) -> Any:
        """Those that see every object before it is made."""
        rules = super().rules()
        rules.object_pairs_hook = _made
        return rules


def _made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if its members are different."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return made


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(each) and "\0" not in each for each in value)
