"""Rows of a stack ↔ what was wished, and what it needs of its host's firewall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from tenants.formats.by_hand import version_of
from tenants.formats.firewall.intent import Bridge, Intent
from tenants.formats.networks import NetworkPlan
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.conventional import Conventional, check_conventional
from tenants.formats.roles.role import Era
from tenants.formats.solo5_image import Solo5Image
from tenants.formats.stacks.needs import before_it_serves, firewall_needs, side_by_side
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.wish import GitPlace, ImageChoice, Wish
from tenants.formats.text import FormatError
from tenants.formats.unikernels import ROOT_PATH
from tenants.models import Domain, Host, Network, Release, Repository, Stack, Upgrade, Zone

CHECKED_BEFORE = Solo5Image("hvt", 2, "x86_64", ())
"""In the place of an image's own notes, which were read when the release was made."""


def bridge_of(network: Network) -> Bridge:
    """Named by the path of those who have it: that is what the host shows of tenants anyway."""
    return Bridge(
        network.share.path or ROOT_PATH,
        network.bridge,
        IPv4Network(network.subnet),
        IPv4Address(network.gateway),
    )


def plan_of(network: Network) -> NetworkPlan:
    return NetworkPlan(subnet=network.subnet, gateway=network.gateway, first=network.first, last=network.last)


def relay_of(domain: Domain) -> Repository | None:
    return Repository.objects.filter(domain=domain).select_related("sync_target").first()


def zone_of(domain: Domain) -> Zone | None:
    zones = Zone.objects.select_related("domain__organization", "target__repository__primary")
    return zones.filter(domain=domain).first()


def git_place(address: str, relay: Repository | None, zone: Zone | None) -> GitPlace:
    """Where unikernels find both repositories; for what is not connected yet, the usual."""
    usual, zones = GitPlace(address), zone.target.repository if zone is not None else None
    return GitPlace(
        host=address,
        account=relay.username if relay is not None else usual.account,
        users=relay.path if relay is not None else usual.users,
        users_branch=relay.branch if relay is not None else usual.users_branch,
        zones=zones.path if zones is not None else usual.zones,
        zones_branch=zones.branch if zones is not None else usual.zones_branch,
    )


def other_bridges(network: Network, services: Iterable[Conventional]) -> tuple[Bridge, ...]:
    """Bridges of the same host, besides this network's, on which one of these services is."""
    rows = Network.objects.filter(host=network.host_id).exclude(pk=network.pk).select_related("share")
    places = [IPv4Address(each.address) for each in services]
    found = [bridge_of(row) for row in rows.order_by("bridge")]
    return tuple(each for each in found if any(place in each.subnet for place in places))


def services_of(given: Mapping[str, str]) -> dict[str, Conventional]:
    """Raises FormatError, with the role as field, for a service that cannot fill it."""
    found = {}
    for role, address in given.items():
        try:
            found[role] = check_conventional(role, address)
        except FormatError as error:
            raise FormatError(role, error.problem, error.fix) from error
    return found


def wish_of(stack: Stack, release: Release | None = None) -> Wish:
    """What was wished for this stack, in its release or another one."""
    release = release or stack.release
    assert release is not None  # noqa: S101 - null only inside of the action that makes the stack
    services = services_of(release.services)
    return Wish(
        domain=stack.domain.name,
        public=IPv4Address(stack.public.address),
        bridge=bridge_of(stack.network),
        network=plan_of(stack.network),
        images={
            part["role"]: ImageChoice(part["image"], Era(part["era"]), CHECKED_BEFORE)
            for part in release.parts
        },
        git=git_place(stack.git_address, relay_of(stack.domain), zone_of(stack.domain)),
        shared=services,
        other_bridges=other_bridges(stack.network, services.values()),
        submission_host=stack.submission_host,
        selector=stack.selector,
        production=stack.production,
        open_relay=stack.open_relay,
        release=release.number,
        path=stack.share.path,
        albatross=version_of(stack.share.host.release),
    )


def placed_of(release: Release) -> tuple[Placed, ...]:
    """The parts of a release as they were placed."""
    return tuple(
        Placed(
            role=ROLES[part["role"]],
            era=Era(part["era"]),
            address=part["address"],
            label=part["label"],
            arguments=tuple(part["arguments"]),
            secrets=ROLES[part["role"]].secrets[Era(part["era"])],
            warnings=(),
        )
        for part in release.parts
    )


def stack_intent(stack: Stack) -> Intent:
    """What the firewall shall let through for a stack at present."""
    if stack.firewall in {Stack.Firewall.CLOSED, Stack.Firewall.OTHERS} or stack.release is None:
        return Intent()
    whole = full_intent(stack, stack.release)
    if (upgrade := upgrade_of(stack)) is not None:
        before, after = (full_intent(stack, each) for each in (upgrade.before, upgrade.after))
        whole = side_by_side(before, after, serves=whole)
    return whole if stack.firewall == Stack.Firewall.OPEN else before_it_serves(whole)


def upgrade_of(stack: Stack) -> Upgrade | None:
    """The upgrade that is on its way, forth or back."""
    return stack.upgrades.filter(ended_at=None).select_related("before", "after").first()


def full_intent(stack: Stack, release: Release) -> Intent:
    """What a release needs once it serves."""
    placed = placed_of(release)
    addresses = {each.role.name: each.address for each in placed} | dict(release.services)
    return firewall_needs(wish_of(stack, release), placed, addresses)


def stacks_on(host: Host) -> Iterable[Stack]:
    """With everything that their wishes are made of."""
    rows = Stack.objects.filter(share__host=host)
    return rows.select_related("domain", "share__host", "network__share", "public", "release").order_by("pk")
