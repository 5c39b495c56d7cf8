"""What a domain has, with its secrets in the clear: what only a worker can put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tenants.formats.by_hand import Version
from tenants.formats.firewall.rules import Rule
from tenants.formats.relay_entry import RelayEntry
from tenants.formats.unikernels import WantedUnikernel
from tenants.formats.zones.commands import GitPlace
from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.zone import Zone


@dataclass(frozen=True)
class IdleAddress:
    """An address that gets no mail now, so it is not in relay.git; `why` says so in words.

    `digest` is the passphrase's BLAKE2b-512, empty for an alias.
    """

    local_part: str
    why: str
    targets: tuple[str, ...]
    digest: str = field(repr=False)


@dataclass(frozen=True)
class SignerKey:
    """A DKIM key: the seed as ptt's signer takes it, and as PEM (PKCS #8) for every other signer. `pem` is
    empty where `problem` says why."""

    selector: str
    algorithm: str
    owner: str
    record: str
    is_retired: bool
    seed: str = field(repr=False)
    pem: str = field(repr=False)
    problem: str = ""


@dataclass(frozen=True)
class KnownCertificate:
    """A certificate that unikernels keep in the zone."""

    host: str
    sentence: str


@dataclass(frozen=True)
class PublicKey:
    """An SSH public key, and what it is for."""

    what: str
    line: str


@dataclass(frozen=True)
class ExportedUnikernel:
    """A unikernel of this domain; the arguments in `wanted` are filled in. `seeds` are its secret values by
    name."""

    name: str
    wanted: WantedUnikernel = field(repr=False)
    is_running: bool = True
    seeds: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ExportedHost:
    """A machine, with those of its unikernels, volumes (label, MB) and rules that serve this domain."""

    name: str
    path: str
    version: Version
    unikernels: tuple[ExportedUnikernel, ...] = ()
    volumes: tuple[tuple[str, int], ...] = ()
    rules: Mapping[int, tuple[Rule, ...]] = field(default_factory=dict)
    """By address family."""


@dataclass(frozen=True)
class DomainExport:
    """A domain at one moment. `gaps` are sentences about what is not in it."""

    domain: str
    made_at: datetime
    entries: Mapping[str, RelayEntry] = field(default_factory=dict, repr=False)
    idle: tuple[IdleAddress, ...] = ()
    users: GitPlace | None = None
    """Where relay.git is; its address and port say nothing."""
    zone: Zone | None = field(default=None, repr=False)
    zones: GitPlace | None = None
    keys: tuple[TsigKey, ...] = ()
    signers: tuple[SignerKey, ...] = ()
    certificates: tuple[KnownCertificate, ...] = ()
    public_keys: tuple[PublicKey, ...] = ()
    hosts: tuple[ExportedHost, ...] = ()
    gaps: tuple[str, ...] = ()
