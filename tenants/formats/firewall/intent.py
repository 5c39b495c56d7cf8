"""What stacks need of a host's firewall, before it is rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from tenants.formats.firewall.rules import Rule

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Bridge:
    """An organization's bridge: its unikernels meet there and nobody else does.

    `outward` lets all of them speak to the Internet; otherwise only those with an `Outward`.
    """

    owner: str
    name: str
    subnet: IPv4Network
    gateway: IPv4Address
    outward: bool = True


@dataclass(frozen=True)
class Publish:
    """A role listens on a public port. `public` is the host's address as the host itself has it."""

    owner: str
    what: str
    public: IPv4Address
    protocol: str
    port: int
    target: IPv4Address
    target_port: int


@dataclass(frozen=True)
class SendFrom:
    """A relay's mail leaves from its domain's public address: SPF and the PTR record name that one."""

    owner: str
    source: IPv4Address
    public: IPv4Address


@dataclass(frozen=True)
class Outward:
    """A role speaks to the Internet, on a bridge where not everybody does."""

    owner: str
    what: str
    source: IPv4Address
    protocol: str
    port: int


@dataclass(frozen=True)
class GitAccess:
    """A role reads or writes a repository of this host, over SSH."""

    owner: str
    what: str
    source: IPv4Address
    port: int = 22


@dataclass(frozen=True)
class Reach:
    """An organization's bridge reaches a role that many share, on another bridge."""

    owner: str
    what: str
    bridge: str
    target: IPv4Address
    protocol: str
    port: int


@dataclass(frozen=True)
class Intent:
    """All that a host's firewall is for. `by_hand` comes first, in its own order.

    `standby` are ports that may be published next, or were until now: nothing leads there, but what is led
    there passes. So traffic changes its way in the nat table alone, in one step.
    """

    bridges: tuple[Bridge, ...] = ()
    published: tuple[Publish, ...] = ()
    standby: tuple[Publish, ...] = ()
    senders: tuple[SendFrom, ...] = ()
    outward: tuple[Outward, ...] = ()
    git: tuple[GitAccess, ...] = ()
    reaches: tuple[Reach, ...] = ()
    by_hand: tuple[Rule, ...] = ()


def merge(intents: Iterable[Intent]) -> Intent:
    """Return what all of them need together; the stacks of one bridge each bring it along."""
    together = tuple(intents)

    def of(parts: Callable[[Intent], tuple[_Part, ...]]) -> tuple[_Part, ...]:
        return tuple(dict.fromkeys(part for intent in together for part in parts(intent)))

    return Intent(
        bridges=of(lambda intent: intent.bridges),
        published=of(lambda intent: intent.published),
        standby=of(lambda intent: intent.standby),
        senders=of(lambda intent: intent.senders),
        outward=of(lambda intent: intent.outward),
        git=of(lambda intent: intent.git),
        reaches=of(lambda intent: intent.reaches),
        by_hand=of(lambda intent: intent.by_hand),
    )
