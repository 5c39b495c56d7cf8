"""What workers read of an installation, without its secrets: plain values that are kept as JSON.

`mark`s identify a secret without telling it: equal secrets have equal marks. Texts from outside are bounded
and printable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

_Seen = TypeVar("_Seen")

MOST_UNIKERNELS = 300
MOST_RULES = 400


@dataclass(frozen=True)
class SeenArgument:
    """An argument. `name` is the option, or empty for a word of its own. Of a secret there is no `value`, but
    its public half in `told` (the name of a TSIG key, `p=` of a DKIM seed, the public line of an SSH key).

    `problem` is why a unikernel could not use the value.
    """

    name: str
    value: str = ""
    told: str = ""
    mark: str = ""
    problem: str = ""

    @property
    def secret(self) -> bool:
        return bool(self.mark)


@dataclass(frozen=True)
class SeenUnikernel:
    """A unikernel on the host. `memory` in MB; `digest` is its image's SHA-256, in hex.

    `restarts`: albatross starts it again when it ends by an error. `ours`: Rookery has it; otherwise
    `why_not` says why it cannot be taken over as it runs, if so.
    """

    label: str
    digest: str = ""
    memory: int = 0
    bridges: tuple[str, ...] = ()
    arguments: tuple[SeenArgument, ...] = ()
    restarts: bool = False
    ours: bool = False
    why_not: str = ""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.arguments if each.name)

    def argument(self, name: str) -> SeenArgument | None:
        return next((each for each in self.arguments if each.name == name), None)

    def value(self, *names: str) -> str:
        """The first value of the first of these options; "" where there is none."""
        found = (self.argument(name) for name in names)
        return next((each.value for each in found if each is not None and each.value), "")

    @property
    def address(self) -> str:
        """Its IPv4 address, without the length of its network."""
        return self.value("--ipv4").partition("/")[0]


@dataclass(frozen=True)
class SeenHost:
    """What runs in one part of a host. `left_out` counts what was too much to keep."""

    unikernels: tuple[SeenUnikernel, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class SeenRule:
    """A rule that leads somewhere, with the conditions on its way from a built-in chain.

    `table` and `chain` are where it stands, `hook` the built-in chain that leads there, `text` is what stands
    behind `-A CHAIN`. `action` is DNAT, SNAT, MASQUERADE, REDIRECT, ACCEPT, DROP or REJECT; `to` its new
    address. `local`: only what is for the host's own addresses. `besides`: not from that source. `odd` are
    conditions that nobody here understands.
    """

    table: str
    hook: str
    chain: str
    text: str
    action: str
    to: str = ""
    port: int = 0
    to_port: int = 0
    protocol: str = ""
    source: str = ""
    besides: str = ""
    destination: str = ""
    from_interface: str = ""
    to_interface: str = ""
    local: bool = False
    answers: bool = False
    odd: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeenChain:
    """A foreign chain below a built-in one, with the jumps to it as they stand behind `-A`."""

    table: str
    name: str
    jumps: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeenRules:
    """The rules of IPv4 that are not Rookery's. `policies` are DROP or ACCEPT by built-in chain of filter."""

    rules: tuple[SeenRule, ...] = ()
    chains: tuple[SeenChain, ...] = ()
    policies: Mapping[str, str] = ()  # type: ignore[assignment]  # see __post_init__
    program: str = "iptables"
    left_out: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "policies", dict(self.policies))


@dataclass(frozen=True)
class SeenUsers:
    """The users of relay.git, as ptt would read them. `skipped` are files that it ignores."""

    branch: str = ""
    commit: str = ""
    users: int = 0
    logins: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class SeenKey:
    """A key of the zone, by its full name without the last dot."""

    name: str
    mark: str


@dataclass(frozen=True)
class SeenRecord:
    """A record set: its owner in full and in lower case, without the last dot."""

    owner: str
    type: str
    data: tuple[str, ...]


@dataclass(frozen=True)
class SeenCertificate:
    """How a host's certificate stands in the zone; see tenants.formats.zones.certificates."""

    host: str
    standing: str
    sentence: str
    staging: bool = False


@dataclass(frozen=True)
class SeenZone:
    """A domain's zone in its repository. `problem`: why the primary does not serve what stands there."""

    name: str
    branch: str = ""
    serial: int = 0
    records: tuple[SeenRecord, ...] = ()
    keys: tuple[SeenKey, ...] = ()
    certificates: tuple[SeenCertificate, ...] = ()
    there: bool = True
    problem: str = ""

    def texts(self, owner: str, kind: str) -> tuple[str, ...]:
        """The data of a set; nothing where there is none."""
        return next((each.data for each in self.records if (each.owner, each.type) == (owner, kind)), ())


def dump(seen: Any) -> dict[str, Any]:
    """As JSON has it."""
    return {name: value for name, value in asdict(seen).items() if value not in ("", (), False, None)}


def load(kind: type[_Seen], raw: Mapping[str, Any]) -> _Seen:
    """What `dump` gave. Fields that are unknown are left out: another version may have written it."""
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], value) for name, value in raw.items() if name in known})


def _value(hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        (inner, *_) = get_args(hint)
        return tuple(_value(inner, each) for each in value)
    if isinstance(hint, type) and is_dataclass(hint):
        return load(hint, value)
    return value
