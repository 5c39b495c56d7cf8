"""What a stack needs of its host's firewall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from tenants.formats.firewall.intent import GitAccess, Intent, Outward, Publish, Reach, SendFrom
from tenants.formats.roles.role import GIT, INTERNET
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.wish import Wish

_MAIL = frozenset({25, 465})


def firewall_needs(wish: Wish, placed: Iterable[Placed], addresses: Mapping[str, str]) -> Intent:
    """Return all that the stack needs once it serves.

    Port 25 of the receiver is published only when somebody decided so: it accepts any recipient.
    """
    placed = tuple(placed)
    return Intent(
        bridges=(wish.bridge, *wish.other_bridges),
        published=tuple(_published(wish, placed)),
        senders=tuple(
            SendFrom(wish.domain, IPv4Address(each.address), wish.public)
            for each in placed
            if each.role.name == "relay"
        ),
        outward=tuple(_outward(wish, placed)),
        git=tuple(
            GitAccess(wish.domain, each.role.name, IPv4Address(each.address))
            for each in placed
            if any(need.to == GIT for need in each.role.needs) and wish.git.host == str(wish.bridge.gateway)
        ),
        reaches=tuple(_reaches(wish, placed, addresses)),
    )


def before_it_serves(intent: Intent) -> Intent:
    """The same without the ports of mail: those are opened when everything behind them is ready."""
    return replace(intent, published=tuple(each for each in intent.published if each.port not in _MAIL))


def _published(wish: Wish, placed: Iterable[Placed]) -> Iterator[Publish]:
    for each in placed:
        for port in each.role.ports:
            if not port.public or (each.role.name == "verifier" and not wish.open_relay):
                continue
            for protocol in port.protocols:
                target = IPv4Address(each.address)
                what = each.role.name
                yield Publish(wish.domain, what, wish.public, protocol, port.number, target, port.number)


def _outward(wish: Wish, placed: Iterable[Placed]) -> Iterator[Outward]:
    for each in placed:
        for need in each.role.needs:
            if need.to == INTERNET:
                for protocol in need.protocols:
                    source = IPv4Address(each.address)
                    yield Outward(wish.domain, each.role.name, source, protocol, need.port)


def _reaches(wish: Wish, placed: Iterable[Placed], addresses: Mapping[str, str]) -> Iterator[Reach]:
    """Shared roles on another bridge of the host."""
    seen: set[tuple[str, str, int]] = set()
    for each in placed:
        for need in each.role.needs:
            if need.to not in wish.shared:
                continue
            target = IPv4Address(addresses[need.to])
            if not any(target in bridge.subnet for bridge in wish.other_bridges):
                continue
            for protocol in need.protocols:
                if (need.to, protocol, need.port) not in seen:
                    seen.add((need.to, protocol, need.port))
                    yield Reach(wish.domain, need.to, wish.bridge.name, target, protocol, need.port)
