"""One start of a role: its arguments, checked as the image checks them, and its console."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Interface

from tenants.formats.roles.check import Values, check_role_arguments
from tenants.formats.roles.role import Era, Role
from tenants.formats.text import FormatError
from workers.sandbox.listener import Console, clean
from workers.sandbox.stack.world import World

__all__ = ["BAD_ARGUMENTS", "UNCAUGHT", "EndsError", "RoleConsole", "Unikernel", "read_arguments"]

BAD_ARGUMENTS = 64
UNCAUGHT = 2
_LEVELS = {"error": "ERR", "warn": "WRN", "info": "INF"}

Write = Callable[[bytes], None]


class EndsError(Exception):
    """The unikernel ends with this exit code; the text is its last line before that."""

    def __init__(self, text: str, code: int = UNCAUGHT) -> None:
        super().__init__(text)
        self.code = code


class RoleConsole(Console):
    """Writes to the unikernel's console, as MirageOS's log does."""

    def __init__(self, name: str, write: Write) -> None:
        super().__init__(name)
        self._write = write

    def write(self, level: str, text: str) -> None:
        super().write(level, text)
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        line = f"{now} -00:00: {_LEVELS.get(level, 'INF')} [{self.name}] {clean(text, 400)}\n"
        self._write(line.encode("ascii"))

    def named(self, name: str) -> Console:
        return RoleConsole(name, self._write)


@dataclass(frozen=True)
class Unikernel:
    """What a role runs on. Its values may be secret, so they are not in `repr`."""

    role: Role
    era: Era
    values: Values = field(repr=False)
    world: World = field(repr=False)
    console: Console = field(repr=False)

    def one(self, option: str, default: str = "") -> str:
        """The value of an option that is given once at most."""
        return self.values.get(option, (default,))[0]

    def has(self, flag: str) -> bool:
        return flag in self.values

    @property
    def address(self) -> str:
        """Its private address, without the prefix length."""
        return str(IPv4Interface(self.one("--ipv4")).ip)

    @property
    def here(self) -> str:
        """The loopback address that it listens on and speaks from."""
        return self.world.realm.here(self.address)

    @property
    def gateway(self) -> str:
        return self.one("--ipv4-gateway")


def read_arguments(role: Role, era: Era, arguments: Iterable[bytes]) -> Values:
    """Arguments by option. Raises EndsError with 64 and what the command line parser says; values are not
    repeated: they may be secrets."""
    words = [raw.decode("utf-8", "replace") for raw in arguments]
    try:
        return check_role_arguments(role, era, words, filled=True).values
    except FormatError as error:
        raise EndsError(_complaint(role, era, error, words), BAD_ARGUMENTS) from None


def _complaint(role: Role, era: Era, error: FormatError, words: list[str]) -> str:
    option = role.option(era, error.field)
    given = list(_named(words))
    if option is None:
        return f"too many arguments or unknown option '{clean(error.field, 60)}'"
    names = {option.name, option.short}
    if not any(name in names for name in given):
        return f"required option {option.name} is missing"
    if sum(name in names for name in given) > 1 and not option.repeatable:
        return f"option '{option.name}' cannot be repeated"
    return f"option '{option.name}': invalid value, expected {option.kind.value}"


def _named(words: list[str]) -> Iterator[str]:
    for word in " ".join(words).split():
        name = word.partition("=")[0]
        yield name if name.startswith("--") else name[:2]
