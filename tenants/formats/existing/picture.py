"""An existing installation as one picture: who is who, whom the rules and records reach, and what is wrong.

Made of whatever was read so far: a place that was not read says nothing, and nothing is concluded from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tenants.formats.existing.guess import Certainty, Guess, KnownImage
from tenants.formats.existing.seen import SeenHost, SeenRule, SeenRules, SeenUnikernel, SeenUsers, SeenZone
from tenants.formats.roles.catalogue import ROLES


class Weight(Enum):
    """How much a notice matters; the first matters most."""

    DANGER = "dangerous"
    CONTRADICTION = "contradictory"
    MISSING = "missing"
    UNKNOWN = "unknown"
    NOTE = "worth knowing"


@dataclass(frozen=True)
class Notice:
    """What is not as it should be. `about` is the unit: a unikernel's label, `zone`, `users`, `rules`."""

    code: str
    weight: Weight
    about: str
    sentence: str
    advice: str


@dataclass(frozen=True)
class Bridge:
    """A network of Rookery's on the host: where unikernels have their addresses."""

    name: str
    subnet: str
    gateway: str


@dataclass(frozen=True)
class Seen:
    """All that is known: what was read (None: not yet), and what Rookery itself knows around it.

    `remotes` are the two repositories that Rookery has, as (account@host:path, branch) by `users` and
    `zones`; hosts are called by several names, so only paths are compared.
    """

    domain: str
    host: SeenHost | None = None
    rules: SeenRules | None = None
    users: SeenUsers | None = None
    zone: SeenZone | None = None
    images: Mapping[str, KnownImage] = field(default_factory=dict)
    publics: tuple[str, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    remotes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Hop:
    """Whom a unikernel speaks to: by which option, at which address; `label` is who is there, if anybody."""

    option: str
    address: str
    expected: str
    label: str


@dataclass(frozen=True)
class Part:
    """A unikernel, explained. `reached` and `recorded` are sentences."""

    seen: SeenUnikernel
    guess: Guess
    domain: str
    hops: tuple[Hop, ...] = ()
    reached: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return ROLES[self.guess.role].title if self.guess.role else "unknown"


@dataclass(frozen=True)
class Led:
    """A foreign rule, explained. `part` is whom it reaches, if that is one of the unikernels; `counts` is
    false where nobody here can say what the rule does. `rules` are its lines, one for each hook."""

    rules: tuple[SeenRule, ...]
    sentence: str
    part: str = ""
    counts: bool = True

    @property
    def rule(self) -> SeenRule:
        return self.rules[0]


@dataclass(frozen=True)
class Picture:
    """The whole of it. `missing` are roles of this domain that nobody here has."""

    domain: str
    parts: tuple[Part, ...]
    led: tuple[Led, ...]
    notices: tuple[Notice, ...]
    missing: tuple[str, ...]
    public: str = ""
    """The address by which the world reaches it, if that is certain."""

    def part_of(self, role: str) -> Part | None:
        """The one unikernel of a role that serves this domain; None where there is none, or several."""
        found = [each for each in self.parts if each.guess.role == role and self.serves(each)]
        return found[0] if len(found) == 1 else None

    def serves(self, part: Part) -> bool:
        return part.domain in {"", self.domain}

    def about(self, unit: str) -> tuple[Notice, ...]:
        return tuple(each for each in self.notices if each.about == unit)


def domain_of(seen: SeenUnikernel) -> str:
    """The mail domain that its arguments name, or the zone of its key; "" where neither does."""
    named = seen.value("--domain").lower().removesuffix(".")
    key = seen.argument("--dns-key")
    told = key.told if key is not None else ""
    return named or (told.partition("._update.")[2] if "._update." in told else "")


def certificate_host_of(part: Part) -> str:
    """The host name for which it has its certificate from the zone; "" where it has none."""
    if part.guess.role == "submission":
        return part.seen.value("--submission-domain", "--hostname").lower().removesuffix(".")
    if part.guess.role == "verifier":
        return part.seen.value("--hostname", "--domain").lower().removesuffix(".")
    return ""


def spf_of(zone: SeenZone) -> tuple[str, ...]:
    """The sender policies of the zone, without their quotes."""
    texts = (each.strip('"') for each in zone.texts(zone.name, "TXT"))
    return tuple(each for each in texts if each.lower() == "v=spf1" or each.lower().startswith("v=spf1 "))


def sure(part: Part) -> bool:
    return part.guess.certainty is not Certainty.UNKNOWN
