"""A mail stack before it exists: the whole plan of it, and what stands in its way. Nothing is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from tenants import access
from tenants.actions.signing_keys import MOST as MOST_KEYS
from tenants.actor import Actor
from tenants.desired_firewall import FAMILIES, intent_of
from tenants.errors import Absent, Checks, Conflict, Problem
from tenants.fit import room
from tenants.formats.addresses import check_host_name
from tenants.formats.by_hand import version_of
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import merge
from tenants.formats.roles.conventional import Conventional
from tenants.formats.roles.role import Era
from tenants.formats.stacks.plan import StackPlan, plan_stack
from tenants.formats.stacks.wish import SHAREABLE, ImageChoice, Wish
from tenants.formats.text import FormatError
from tenants.models import (
    Domain,
    Firewall,
    HostShare,
    Image,
    Network,
    PublicAddress,
    Repository,
    SigningKey,
    Stack,
    TsigKey,
    Zone,
)
from tenants.stack_wishes import (
    bridge_of,
    git_place,
    other_bridges,
    plan_of,
    relay_of,
    services_of,
    stacks_on,
    zone_of,
)


@dataclass(frozen=True)
class Choices:
    """What people choose for a stack. `images` by role are those that run here; `services` are addresses of
    what fills a role instead. What is left empty is the usual."""

    share: HostShare
    network: Network
    public: PublicAddress
    images: Mapping[str, Image]
    services: Mapping[str, str]
    submission_host: str = ""
    selector: str = "s1"
    git_address: str = ""
    production: bool = False
    open_relay: bool = False


@dataclass(frozen=True)
class Blueprint:
    """The plan of a stack, and what has to be done before it can be made; empty when nothing has."""

    wish: Wish
    plan: StackPlan
    lacking: tuple[Problem, ...]

    @property
    def digest(self) -> str:
        """Identifies what was shown, so that exactly this is confirmed."""
        shown = [
            [step.kind.value, step.title, list(step.what), list(step.commands)] for step in self.plan.steps
        ]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def preview_stack(*, actor: Actor, domain: Domain, choices: Choices) -> Blueprint:
    """Return what would be done for a stack, step by step. Raises Invalid with the field of a choice that
    cannot be, and Conflict where the domain has a stack."""
    require_own(actor, domain, choices)
    if Stack.objects.filter(domain=domain).exists():
        raise Conflict(f"{domain} has a mail stack already. Change that one, or remove it first.")
    relay, zone = relay_of(domain), zone_of(domain)
    checks = Checks()
    images = image_choices(choices.images, checks)
    services: dict[str, Conventional] = {}
    with checks:
        services = services_of({role: text for role, text in choices.services.items() if text.strip()})
    _require_reachable(domain, choices.network, services, checks)
    address = ""
    with checks:
        address = git_address(choices, relay)
    checks.finish()
    wish = Wish(
        domain=domain.name,
        public=IPv4Address(choices.public.address),
        bridge=bridge_of(choices.network),
        network=plan_of(choices.network),
        images=images,
        git=git_place(address, relay, zone),
        shared=services,
        taken=frozenset(choices.network.addresses.values_list("address", flat=True)),
        other_bridges=other_bridges(choices.network, services.values()),
        submission_host=choices.submission_host.strip().lower() or domain.mail_program_host,
        selector=choices.selector.strip().lower(),
        production=choices.production,
        open_relay=choices.open_relay,
        path=choices.share.path,
        albatross=version_of(choices.share.host.release),
    )
    with checks:
        plan = plan_stack(wish)
    checks.finish()
    lacking = (
        *_about_git(relay, zone, wish),
        *_about_zone(zone, plan),
        *_about_signing(domain, wish),
        *_about_host(choices, plan),
        *_about_firewall(choices, plan),
    )
    return Blueprint(wish, plan, lacking)


def require_own(actor: Actor, domain: Domain, choices: Choices) -> None:
    """Everything must be the domain's organization's own; what is another's is absent."""
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.STACK, domain.organization)
    access.require(actor, access.Verb.VIEW, choices.share)
    for image in choices.images.values():
        access.require(actor, access.Verb.VIEW, image)
    mine = choices.share.organization_id == domain.organization_id
    if (
        not mine
        or choices.network.share_id != choices.share.pk
        or choices.public.share_id != choices.share.pk
    ):
        raise Absent


def image_choices(images: Mapping[str, Image], checks: Checks) -> dict[str, ImageChoice]:
    """What is known of each image; what lacks its generation is among the problems."""
    found: dict[str, ImageChoice] = {}
    for role, image in images.items():
        with checks:
            try:
                era = Era(image.era)
            except ValueError as error:
                known = ", ".join(each.value for each in Era)
                raise FormatError(
                    role,
                    f"{image} does not say of which generation it is, and arguments differ between them.",
                    f"Write {known} as its generation on the image's page.",
                ) from error
            found[role] = ImageChoice(image.sha256, era, image.manifest)
    return found


def git_address(choices: Choices, relay: Repository | None) -> str:
    """The git host as unikernels reach it: what was said, or the host itself, or the repository's address."""
    said = choices.git_address.strip()
    if said:
        try:
            return str(IPv4Address(said))
        except ValueError:
            return check_host_name(said, field="git_address")
    host = choices.share.host
    if relay is None or relay.host in {host.host, "localhost"} or host.transport == host.Transport.LOCAL:
        return choices.network.gateway
    return relay.host


def _require_reachable(
    domain: Domain, network: Network, services: Mapping[str, Conventional], checks: Checks
) -> None:
    """A service on another bridge of the host must be one that its owners share: tenants never meet."""
    others = Network.objects.filter(host=network.host_id).select_related("share__organization")
    for role, service in services.items():
        place = IPv4Address(service.address)
        row = next((each for each in others if place in bridge_of(each).subnet), None)
        if row is None or row.share.organization_id == domain.organization_id:
            continue
        if role in SHAREABLE and service.address in _shared_by(row):
            continue
        with checks:
            raise FormatError(
                role,
                f"{service.address} is on another organization's network.",
                "Use a service of your own, or one that those who run the host share with everybody.",
            )


def _shared_by(network: Network) -> set[str]:
    """Addresses of shareable roles in stacks of those who run the host; nobody else shares."""
    if network.share.organization_id != network.host.organization_id:
        return set()
    return {
        part["address"]
        for stack in stacks_on(network.host)
        if stack.network_id == network.pk and stack.release is not None
        for part in stack.release.parts
        if part["role"] in SHAREABLE
    }


# What stands in the way --------------------------------------------------------------------------------


def _about_git(relay: Repository | None, zone: Zone | None, wish: Wish) -> Iterator[Problem]:
    if relay is None:
        yield Problem("domain", "No relay repository is connected.", "Connect one on the domain's page.")
        return
    if not relay.host_key:
        said = f"Nobody has compared the host key of {relay.host} yet."
        yield Problem("domain", said, "Compare it on the repository's page.")
    zones = zone.target.repository if zone is not None else None
    if zones is None or "primary" not in wish.images:
        return
    if (zones.host, zones.username) != (relay.host, relay.username):
        yield Problem(
            "domain",
            f"The zones are at {zones.username}@{zones.host}, the users at {relay.username}@{relay.host}.",
            "Keep both at one account of one git host, or let another primary serve the zone.",
        )
    if not zones.host_key:
        said = f"Nobody has compared the host key of {zones.host} yet."
        yield Problem("domain", said, "Compare it on the repository's page.")


def _about_zone(zone: Zone | None, plan: StackPlan) -> Iterator[Problem]:
    if zone is None or not zone.is_kept:
        yield Problem("domain", "Rookery keeps no zone for the domain.", "Begin it on the DNS page.")
        return
    if zone.owned_at is None:
        said = "It was not proved yet that the domain is yours, so nothing of its zone is published."
        yield Problem("domain", said, "Prove it on the DNS page.")
    if zone.frozen:
        yield Problem("domain", "The zone is frozen.", "Unfreeze it on the DNS page.")
    repository = zone.target.repository
    if repository is None:
        said = f"The zone is kept at {zone.target.update_server}, which takes no keys from Rookery."
        yield Problem("domain", said, "Move the zone to a zone repository.")
        return
    names = [name.short for name in plan.keys.values()]
    taken = TsigKey.objects.filter(repository=repository, name__in=names).order_by("name")
    for name in taken.values_list("name", flat=True):
        yield Problem("domain", f"There is a key {name} already.", "Remove it on the zone's page.")


def _about_signing(domain: Domain, wish: Wish) -> Iterator[Problem]:
    """A seed that is kept already is sealed: whoever plans cannot give it to another signer."""
    if "signer" not in wish.images:
        return
    keys = SigningKey.objects.filter(domain=domain)
    if keys.filter(selector=wish.selector).exists():
        said = f"{wish.selector} has a DKIM key already, and its seed stays where it is."
        yield Problem("selector", said, "Choose another selector, such as the next year.")
    elif keys.count() >= MOST_KEYS:
        yield Problem("selector", f"{domain} has {MOST_KEYS} DKIM keys already.", "Remove a retired one.")


def _about_host(choices: Choices, plan: StackPlan) -> Iterator[Problem]:
    share, left = choices.share, room(choices.share)
    wanted = sum(each.role.memory for each in plan.roles)
    if wanted > left.memory:
        yield Problem(
            "share",
            f"All of it needs {wanted} MB, and {left.memory} of {left.memory_quota} MB are free.",
            "Stop something there, or have the quota raised.",
        )
    elif left.host_memory_free is not None and wanted > left.host_memory_free:
        said = f"All of it needs {wanted} MB, and {share.host} itself has {left.host_memory_free} MB left."
        yield Problem("share", said, "Use another host.")
    if len(plan.roles) > left.unikernels:
        yield Problem(
            "share",
            f"It is {len(plan.roles)} unikernels, and {left.unikernels} of {left.unikernel_quota} are free.",
            "Delete some there, or have the quota raised.",
        )
    labels = [each.label for each in plan.roles]
    for name in share.unikernels.filter(name__in=labels).order_by("name").values_list("name", flat=True):
        yield Problem("share", f"There is a unikernel {name} already.", "Delete it first.")
    if not share.cpuids:
        yield Problem("share", f"No CPU of {share.host} is yours.", "Have the quota changed.")
    if Stack.objects.filter(public=choices.public).exists():
        said = f"{choices.public} serves another domain's mail. ptt serves one domain at ports 25 and 465."
        yield Problem("public", said, "Give each domain a public address of its own.")


def _about_firewall(choices: Choices, plan: StackPlan) -> Iterator[Problem]:
    firewall = Firewall.objects.filter(host=choices.share.host_id).select_related("host").first()
    if firewall is None or not firewall.enabled:
        said = f"Rookery keeps no rules in the firewall of {choices.share.host}."
        yield Problem("share", said, "Ask an operator to let it do so, on the host's page.")
        return
    with (checks := Checks()):
        there = intent_of(firewall)
        together = replace(merge([there, plan.intent]), by_hand=there.by_hand)
        for family in FAMILIES:
            derive(together, family)
    for problem in checks.problems:
        yield replace(problem, field="public")
