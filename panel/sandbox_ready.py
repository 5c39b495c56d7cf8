"""In the sandbox, what a mail stack needs first, at once: by the same actions as people's forms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F

from tenants import access
from tenants.actions import (
    firewalls,
    host_shares,
    hosts,
    images,
    networks,
    public_addresses,
    readers,
    repositories,
    zone_repositories,
    zones,
)
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.sshkeys import fingerprint
from tenants.image_roles import IMAGE_ROLES
from tenants.models import Domain, Host, HostShare, Organization, PublicAddress, Repository
from tenants.sandbox_note import sandbox_note
from tenants.stack_wishes import relay_of, zone_of

NETWORK, BRIDGE = "10.0.0.0/24", "service"
MEMORY, MOST_UNIKERNELS = 4096, 20
"""Of the host, in MB, and how many: eight, and nearly as many again in an upgrade."""
QUIET, APART = 1, 30
"""Seconds: somebody looks on while the mail servers learn of an address."""
ERA = "p23"


def make_ready(*, actor: Actor, domain: Domain) -> None:
    """Connect the sandbox's git host, primary and albatross host for a domain that lacks them, and upload the
    images of the roles; what is there already stays as it is.

    Raises what the actions do, and Conflict where no sandbox runs or nothing of it is free.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.STACK, domain.organization)
    try:
        told = sandbox_note()
        with transaction.atomic():
            if relay_of(domain) is None:
                connect_git(actor, domain, f"{domain.name}.git", told)
            if zone_of(domain) is None:
                zones.create_zone(
                    actor=actor, domain=domain, repository=_zones(actor, domain.organization, told)
                )
            _prepare_host(actor, domain.organization, told)
        _upload_images(actor, domain.organization, told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Conflict("The sandbox does not run, or cannot be read. Start it with bin/demo.") from error


def connect_git(actor: Actor, domain: Domain, path: str, told: Mapping[str, Any]) -> Repository:
    """A relay repository on the sandbox's git host, its key compared."""
    host, port = told["git"]
    repository = repositories.connect_repository(
        actor=actor, domain=domain, host=host, port=port, path=path, reload=Repository.Reload.SANDBOX
    )
    readers.change_restart_pace(actor=actor, repository=repository, quiet=QUIET, apart=APART)
    return _compared(actor, repository, told)


def _compared(actor: Actor, repository: Repository, told: Mapping[str, Any]) -> Repository:
    """The sandbox's own key, read where a person would read it: on the host itself."""
    if not repository.host_key:
        key = str(told["git_host_key"])
        Repository.objects.filter(pk=repository.pk).update(offered_host_key=key)
        repository.refresh_from_db()
        repositories.confirm_host_key(actor=actor, repository=repository, fingerprint_seen=fingerprint(key))
    return repository


def _zones(actor: Actor, organization: Organization, told: Mapping[str, Any]) -> Repository:
    (host, port), primary = told["git"], told["primary"]
    known = Repository.objects.filter(
        organization=organization,
        kind=Repository.Kind.ZONE,
        host=host,
        port=port,
        path=primary["path"],
        branch=primary["branch"],
    ).first()
    address, primary_port = primary["address"]
    return _compared(
        actor,
        known
        or zone_repositories.connect_zone_repository(
            actor=actor,
            organization=organization,
            host=host,
            port=port,
            path=primary["path"],
            branch=primary["branch"],
            address=address,
            primary_port=primary_port,
            root_key=primary["root_key"],
            reload=Repository.Reload.SANDBOX,
        ),
        told,
    )


def _prepare_host(actor: Actor, organization: Organization, told: Mapping[str, Any]) -> None:
    share = _share(actor, organization, told["albatross"])
    host_shares.change_quota(
        actor=actor,
        share=share,
        memory=max(share.memory, MEMORY),
        most_unikernels=max(share.most_unikernels, MOST_UNIKERNELS),
    )
    if not share.networks.exists():
        networks.add_network(actor=actor, share=share, bridge=BRIDGE, subnet=NETWORK)
    if not share.public_addresses.filter(stack=None).exists():
        taken = set(PublicAddress.objects.values_list("address", flat=True))
        free = [each for each in told["stacks"]["public"] if each not in taken]
        if not free:
            raise Conflict("Every public address of the sandbox's host is used. Remove a mail stack first.")
        public_addresses.add_public_address(actor=actor, share=share, address=free[0])
    firewalls.manage_firewall(actor=actor, host=share.host)


def _share(actor: Actor, organization: Organization, told: Mapping[str, Any]) -> HostShare:
    """The organization's part of the sandbox's host, the one with rules first; connected when it has none."""
    way = dict(told["ways"]["ssh"])
    mine = access.visible_to(actor, HostShare).filter(
        organization=organization,
        host__transport=Host.Transport.SSH,
        host__host=way["host"],
        host__port=way["port"],
    )
    with_rules = F("host__firewall__enabled").desc(nulls_last=True)
    share = mine.order_by(with_rules, "pk").select_related("host", "organization").first()
    if share is None:
        host = hosts.add_host(
            actor=actor, organization=organization, transport=Host.Transport.SSH, path=way["name"], **way
        )
        share = host.shares.select_related("host", "organization").get(organization=organization)
    if not share.host.host_key:
        key = str(told["host_key"])
        Host.objects.filter(pk=share.host_id).update(offered_host_key=key)
        share.host.refresh_from_db()
        hosts.pin_host_key(actor=actor, host=share.host, fingerprint_seen=fingerprint(key))
    return HostShare.objects.select_related("host", "organization", "sync_target").get(pk=share.pk)


def _upload_images(actor: Actor, organization: Organization, told: Mapping[str, Any]) -> None:
    """Two releases of each role, so that there is something to upgrade to."""
    files = {Path(each).name: Path(each) for each in told["albatross"]["images"]}
    for name, role in ROLES.items():
        stem = role.image.removesuffix(".hvt")
        for file in (f"{stem}.hvt", f"{stem}-2.hvt"):
            images.upload_image(
                actor=actor,
                organization=organization,
                contents=[files[file].read_bytes()],
                name=file.removesuffix(".hvt"),
                role=IMAGE_ROLES[name],
                era=ERA,
            )
