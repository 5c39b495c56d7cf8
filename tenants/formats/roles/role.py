"""What there is to say about a role of a mail stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from tenants.formats.roles.kinds import SECRET_KINDS, Kind


class Era(Enum):
    """A generation of images; arguments differ between them."""

    P22 = "p22"
    """January 2022: Irmin, static certificates between the hops. What ptt-deployer builds."""
    P23 = "p23"
    """January 2023 to January 2024: what the articles run, and the only one that gets mail for its domain."""
    P24 = "p24"
    """October 2024 to June 2025."""


@dataclass(frozen=True)
class Option:
    """An argument. `short` is another spelling (`-r`); `ignored` says why the image takes and forgets it."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    default: str = ""
    """What the image does without it, in its own words or as a value."""
    short: str = ""
    repeatable: bool = False
    ignored: str = ""

    @property
    def secret(self) -> bool:
        return self.kind in SECRET_KINDS


@dataclass(frozen=True)
class Port:
    """Where a role listens: `public` ports are what the Internet must reach."""

    number: int
    protocols: tuple[str, ...] = ("tcp",)
    public: bool = False


@dataclass(frozen=True)
class Need:
    """A connection that a role makes: to another role, the git host, or (`to` empty) the Internet."""

    port: int
    protocols: tuple[str, ...]
    to: str
    why: str


GIT = "git"
"""In `Need.to`: the git host."""
INTERNET = ""
"""In `Need.to`: anybody."""


@dataclass(frozen=True)
class Secret:
    """A secret that a role gets: the option that takes it, and what it is."""

    option: str
    name: str
    what: str
    stays: bool = False
    """Must survive upgrades: another one means a new certificate or a new DKIM record."""


@dataclass(frozen=True)
class DnsWrite:
    """A record that a role itself writes into the zone, signed with its key. `{…}` are its own arguments."""

    owner: str
    type: str
    when: str


class ProbeKind(Enum):
    """How a role is asked whether it serves."""

    RECURSION = "asks for a name of the Internet"
    AUTHORITY = "asks for the zone's SOA, and compares the serial"
    RUNNING = "looks that it keeps running"
    SMTP = "waits for the banner 220"
    SMTP_STARTTLS = "waits for the banner, STARTTLS, and the certificate's name"
    SMTPS = "makes a TLS connection, and waits for the certificate's name and the banner"


@dataclass(frozen=True)
class Probe:
    """How and how long a role is waited for, in seconds; `reason` is what a person reads meanwhile."""

    kind: ProbeKind
    port: int
    within: int
    reason: str


@dataclass(frozen=True)
class Restart:
    """When a role must be restarted though it runs. `days`: at least that often; 0 for no such rule."""

    after: str
    why: str
    days: int = 0


@dataclass(frozen=True)
class Role:
    """A part of a mail stack. `memory` in MB; `depends_on` are roles that must serve before it starts."""

    name: str
    title: str
    does: str
    image: str
    memory: int
    options: Mapping[Era, tuple[Option, ...]]
    ports: tuple[Port, ...]
    needs: tuple[Need, ...]
    secrets: Mapping[Era, tuple[Secret, ...]]
    depends_on: tuple[str, ...]
    writes: tuple[DnsWrite, ...]
    probe: Probe
    restarts: tuple[Restart, ...] = ()
    single_writer: bool = False
    """Two of them would write over each other: replaced in place, never doubled."""
    shareable: bool = False
    """One can serve many domains of a host."""
    device: str = "service"
    eras: tuple[Era, ...] = tuple(Era)
    advice: Mapping[Era, tuple[str, ...]] | None = None
    """What people must know before they use it."""

    restart_on_exit: frozenset[int] = frozenset()
    """Exit codes after which albatross restarts it; none: every code but 1 and 60 to 64."""

    def option(self, era: Era, name: str) -> Option | None:
        """The option with a name or short name, or None."""
        return next((each for each in self.options.get(era, ()) if name in (each.name, each.short)), None)

    def eras_with(self, name: str) -> tuple[Era, ...]:
        """Generations whose image knows an option."""
        return tuple(era for era in self.options if self.option(era, name))
