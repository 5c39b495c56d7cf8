"""A domain for which a mail stack can be made: connected, proved, on a host with room and a firewall."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tenants.actions import firewalls, host_shares, public_addresses, repositories, stacks
from tenants.actions.blueprints import Blueprint, Choices, preview_stack
from tenants.actor import Actor
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import phases_of
from tenants.formats.stacks.upgrade_phases import upgrade_phases
from tenants.models import (
    Canary,
    CanaryRound,
    CanaryWay,
    Domain,
    Firewall,
    HostShare,
    Network,
    Release,
    Repository,
    Stack,
    SyncTarget,
    Unikernel,
    UnikernelSecret,
    Upgrade,
    UpgradePhase,
)
from tenants.secrets import Purpose, seal
from tests.hosting import HOST_KEY, NETWORKED, Machine, add_host, share_of, upload
from tests.tenants.zoning import begin

PUBLIC = "192.0.2.25"


@dataclass
class Site:
    """Where a stack can be made, and what is chosen for it."""

    owner: Actor
    domain: Domain
    machine: Machine
    choices: Choices

    def preview(self, **changes: Any) -> Blueprint:
        return preview_stack(actor=self.owner, domain=self.domain, choices=replace(self.choices, **changes))

    def make(self, **changes: Any) -> Stack:
        choices = replace(self.choices, **changes)
        plan = preview_stack(actor=self.owner, domain=self.domain, choices=choices).digest
        return stacks.make_stack(actor=self.owner, domain=self.domain, choices=choices, plan=plan)

    @property
    def firewall(self) -> Firewall:
        return Firewall.objects.get(host=self.machine.host)


def build_site(owner: Actor, domain: Domain, **given: Any) -> Site:
    """All eight roles run the same image here: nothing in it boots."""
    operator = Actor.rookery()
    begin(owner, domain)
    repositories.connect_repository(actor=owner, domain=domain, host="git.example.org", path="relay.git")
    Repository.objects.update(host_key=HOST_KEY)
    reached = {"transport": "ssh", "host": "rock.example", "username": "rookery"}
    host = add_host(operator, domain.organization, **reached | given)
    share = share_of(host, domain.organization)
    host_shares.change_quota(actor=operator, share=share, memory=4096, most_unikernels=20)
    machine = Machine(operator, host, share_of(host, domain.organization))
    network = machine.network()
    firewalls.manage_firewall(actor=operator, host=host)
    public = public_addresses.add_public_address(actor=operator, share=share, address=PUBLIC)
    image = upload(operator, domain.organization, NETWORKED, name="ptt", era="p23")
    choices = Choices(
        share=machine.share, network=network, public=public, images=dict.fromkeys(ROLES, image), services={}
    )
    return Site(owner, Domain.objects.get(pk=domain.pk), machine, choices)


def build_stack(domain: Domain, share: HostShare, network: Network, address: str, wanted: str) -> Stack:
    """The rows of a stack whose first phase failed; nothing else of it is there."""
    rookery, now = Actor.rookery(), timezone.now()
    stack = Stack.objects.create(
        domain=domain,
        share=share,
        network=network,
        public=public_addresses.add_public_address(actor=rookery, share=share, address=address),
        submission_host=f"smtp.{domain}",
        git_address="10.0.0.1",
        wanted=wanted,
        changed_at=now,
    )
    SyncTarget.objects.create(kind="stack", organization=domain.organization, stack=stack, marked_at=now)
    relay = {"role": "relay", "era": "p23", "image": "0" * 64, "label": "none", "arguments": []}
    stack.release = Release.objects.create(
        stack=stack, number=1, parts=[{**relay, "address": "10.0.0.9"}], made_by="Rookery", made_at=now
    )
    stack.save()
    stacks.keep_phases(stack, phases_of(["relay"], receives=False, own_primary=False))
    stack.phases.filter(name="git").update(state="failed", reason="Nobody answered.")
    return stack


def build_upgradable(
    domain: Domain, share: HostShare, network: Network, address: str, relay: Unikernel
) -> Stack:
    """The rows of a stack whose relay runs here and could be upgraded, or go back to its first release, which
    had the relay's image."""
    stack = build_stack(domain, share, network, address, "running")
    assert stack.release is not None
    first = stack.release.parts[0]
    services = {role: f"10.0.0.{100 + number}" for number, role in enumerate(ROLES) if role != "relay"}
    made = {"stack": stack, "services": services, "made_by": "Rookery", "made_at": timezone.now()}
    Release.objects.create(number=2, parts=[{**first, "image": relay.image.sha256}], **made)
    stack.release = Release.objects.create(number=3, parts=[{**first, "label": relay.name}], **made)
    stack.save()
    sealed = seal(Purpose.ARGUMENT, "a stored key of a relay")
    UnikernelSecret.objects.get_or_create(unikernel=relay, name="ssh-key", defaults={"sealed_value": sealed})
    stack.phases.filter(name__in=["git", "records", "firewall"]).update(state="proved", reason="")
    return stack


def build_letter(stack: Stack) -> CanaryRound:
    """A canary for the stack, and a letter out of it that arrived an hour ago."""
    at = timezone.now() - timedelta(hours=1)
    canary = Canary.objects.create(
        stack=stack,
        local_part="rookery-canary",
        sealed_secret=seal(Purpose.CANARY, "the passphrase of a canary alone"),
        home="canary@panel.example.net",
        made_at=at,
    )
    CanaryWay.objects.bulk_create(CanaryWay(canary=canary, way=way, since=at) for way in ("in", "out"))
    return CanaryRound.objects.create(
        canary=canary,
        way="out",
        tag=secrets.token_hex(20),
        began_at=at,
        verdict="proved",
        took={"dial": 3, "accepted": 200},
        latency=900,
        asked_at=at,
        asked_by="Alice",
        ended_at=at + timedelta(seconds=1),
        release=stack.release,
        source="198.51.100.7:40001",
        answers=[[200, "the message", "250 Ok, buddy!"]],
        headers=[["Received", f"from a by {stack.domain} via TCP; {at:%a, %d %b %Y %H:%M:%S} +0000"]],
    )


def build_upgrading(stack: Stack) -> Upgrade:
    """An upgrade that has just begun, to nothing that is there."""
    assert stack.release is not None
    part = {**stack.release.parts[0], "label": "next", "address": "10.0.0.77"}
    now = timezone.now()
    after = Release.objects.create(
        stack=stack,
        number=9,
        parts=[part],
        services=stack.release.services,
        made_by="Alice",
        made_at=now,
    )
    upgrade = Upgrade.objects.create(stack=stack, before=stack.release, after=after, began_at=now)
    stacks.keep_phase_rows(
        upgrade.phases.all(),
        upgrade_phases(["relay"], []),
        lambda name: UpgradePhase(upgrade=upgrade, name=name),
    )
    return upgrade


def serving(stack: Stack) -> Stack:
    """As if workers had walked all its phases."""
    stack.phases.update(state="proved")
    Stack.objects.filter(pk=stack.pk).update(firewall="open")
    stack.refresh_from_db()
    return stack
