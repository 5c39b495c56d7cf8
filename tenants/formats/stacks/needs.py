"""What a stack needs of its host's firewall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from tenants.formats.firewall.intent import GitAccess, Intent, Outward, Publish, Reach, SendFrom, merge
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import GIT, INTERNET, Role
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.wish import SHAREABLE, Wish

_MAIL = frozenset({25, 465})


def firewall_needs(wish: Wish, placed: Iterable[Placed], addresses: Mapping[str, str]) -> Intent:
    """Return all that the stack needs once it serves.

    A conventional service on the bridge is this domain's own, and gets what its role gets; but for roles that
    many share. Port 25 of a ptt receiver is published only when somebody decided so: it accepts any
    recipient. A conventional one is trusted to know its domain.
    """
    placed = tuple(placed)
    here = {each.role.name: each.role for each in placed}
    for name, service in wish.shared.items():
        if name not in SHAREABLE and IPv4Address(service.address) in wish.bridge.subnet:
            here[name] = ROLES[name]
    return Intent(
        bridges=(wish.bridge, *wish.other_bridges),
        published=tuple(_published(wish, here, addresses)),
        senders=tuple(
            SendFrom(wish.domain, IPv4Address(addresses[name]), wish.public)
            for name in here
            if name == "relay"
        ),
        outward=tuple(_outward(wish, here, addresses)),
        git=tuple(
            GitAccess(wish.domain, each.role.name, IPv4Address(each.address))
            for each in placed
            if any(need.to == GIT for need in each.role.needs) and wish.git.host == str(wish.bridge.gateway)
        ),
        reaches=tuple(_reaches(wish, here, addresses)),
    )


def before_it_serves(intent: Intent) -> Intent:
    """The same without the ports of mail: those are opened when everything behind them is ready."""
    return replace(
        intent,
        published=tuple(each for each in intent.published if each.port not in _MAIL),
        standby=tuple(each for each in intent.standby if each.port not in _MAIL),
    )


def side_by_side(first: Intent, second: Intent, *, serves: Intent) -> Intent:
    """What two releases of a stack need while both are there; the ports lead to the one that `serves`.

    The same whichever of them serves, but for where the ports lead.
    """
    both = merge([first, second])
    return replace(both, published=serves.published, standby=both.published)


def _published(wish: Wish, here: Mapping[str, Role], addresses: Mapping[str, str]) -> Iterator[Publish]:
    for name, role in here.items():
        if name == "verifier" and name in wish.images and not wish.open_relay:
            continue
        for port in role.ports:
            for protocol in port.protocols if port.public else ():
                target = IPv4Address(addresses[name])
                yield Publish(wish.domain, name, wish.public, protocol, port.number, target, port.number)


def _outward(wish: Wish, here: Mapping[str, Role], addresses: Mapping[str, str]) -> Iterator[Outward]:
    for name, role in here.items():
        for need in role.needs:
            for protocol in need.protocols if need.to == INTERNET else ():
                yield Outward(wish.domain, name, IPv4Address(addresses[name]), protocol, need.port)


def _reaches(wish: Wish, here: Mapping[str, Role], addresses: Mapping[str, str]) -> Iterator[Reach]:
    """Roles on another bridge of the host: those that many share."""
    wanted = {
        (need.to, protocol, need.port)
        for role in here.values()
        for need in role.needs
        if need.to in wish.shared
        for protocol in need.protocols
    }
    for name, protocol, port in sorted(wanted):
        target = IPv4Address(addresses[name])
        if any(target in bridge.subnet for bridge in wish.other_bridges):
            yield Reach(wish.domain, name, wish.bridge.name, target, protocol, port)
