"""Rows → an organization as one file: read in parts, so that it fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Prefetch

from tenants import organization_machines as machines
from tenants.formats.organization_file import (
    FORMAT,
    VERSION,
    Address,
    Aliases,
    MailDomain,
    Name,
    OrganizationFile,
    Person,
    Requests,
)
from tenants.models import (
    AliasRules,
    Delivery,
    Domain,
    DomainRole,
    HeldName,
    Holding,
    Mailbox,
    Membership,
    Organization,
    RequestRules,
    TargetAddress,
    Zone,
)
from tenants.one_moment import one_moment
from tenants.secrets import Opener, Purpose
from tenants.zone_exports import exported_zone

LEFT_OUT = (
    "Private SSH keys, and the keys that sign webhooks: what is connected again gets new ones.",
    "Images themselves: they are named by their SHA-256.",
    "Requests, invitations, history, what is in the trash, and keys for programs.",
)
_HIDDEN = (
    "Passphrases: their hashes are only in a sealed file.",
    "Secrets of unikernels, zone keys, signatures and addresses of webhooks: only in a sealed file.",
)
_AT_ONCE = 500


@one_moment()
def organization_file(
    organization: Organization, made_at: datetime, opener: Opener | None = None
) -> OrganizationFile:
    """Everything that the file knows of an organization; its secrets, too, if there is an opener.

    Raises CannotOpen for a secret of another key.
    """
    people = Membership.objects.filter(organization=organization, account__is_service=False)
    domains = Domain.objects.filter(organization=organization).order_by("name")
    hidden = () if opener is not None else _HIDDEN
    return OrganizationFile(
        format=FORMAT,
        version=VERSION,
        made_at=made_at.isoformat(timespec="seconds"),
        name=organization.name,
        people=tuple(
            Person(row.account.email, row.role, row.account.name)
            for row in people.select_related("account").order_by("account__email")
        ),
        domains=tuple(_domain(each, opener) for each in domains),
        zone_repositories=tuple(machines.zone_repositories(organization, opener)),
        name_servers=tuple(machines.name_servers(organization, opener)),
        hosts=tuple(machines.hosts(organization, opener)),
        images=tuple(machines.images(organization)),
        webhooks=tuple(machines.webhooks(organization, opener)),
        left_out=(*hidden, *LEFT_OUT),
    )


def _domain(domain: Domain, opener: Opener | None) -> MailDomain:
    held = HeldName.objects.filter(domain=domain).order_by("local_part", "kind")
    roles = DomainRole.objects.filter(domain=domain, account__is_service=False).select_related("account")
    zone = Zone.objects.select_related("target__repository__primary", "domain").filter(domain=domain).first()
    return MailDomain(
        name=domain.name,
        requests=domain.requests,
        submission_host=domain.submission_host,
        request_rules=requests_of(RequestRules.objects.filter(domain=domain).first()),
        alias_rules=aliases_of(AliasRules.objects.filter(domain=domain).first()),
        held_names=tuple(Name(row.local_part, row.kind, row.reason) for row in held),
        roles=tuple(
            Person(row.account.email, row.role, row.account.name)
            for row in roles.order_by("account__email", "role")
        ),
        addresses=tuple(_addresses(domain, opener)),
        zone=exported_zone(zone, "bind") if zone is not None and zone.is_kept else None,
        signing_keys=tuple(machines.signer_keys(domain, opener)),
        repository=machines.relay_repository(domain),
        stack=machines.mail_stack(domain),
    )


def requests_of(rules: RequestRules | None) -> Requests | None:
    """None for a domain that has the defaults."""
    if rules is None:
        return None
    return Requests(
        rules.pattern, tuple(rules.mail_domains), rules.most, rules.most_each, rules.decide_within_days
    )


def aliases_of(rules: AliasRules | None) -> Aliases | None:
    """None where people may make none."""
    return Aliases(rules.pattern, rules.most_each, rules.longest_days) if rules is not None else None


def _addresses(domain: Domain, opener: Opener | None) -> Iterator[Address]:
    parts = Mailbox.objects.filter(domain=domain, trashed_at=None).order_by("local_part")
    rows = parts.prefetch_related(
        Prefetch("targets", TargetAddress.objects.order_by("pk")),
        Prefetch("deliveries", Delivery.objects.select_related("mailbox").order_by("pk")),
        Prefetch("holdings", Holding.objects.select_related("account").order_by("account__email")),
    )
    for row in rows.iterator(chunk_size=_AT_ONCE):
        clear = None
        if opener is not None and row.sealed_hash is not None:
            clear = opener.open(Purpose.MAILBOX_HASH, bytes(row.sealed_hash))
        yield Address(
            local_part=row.local_part,
            targets=tuple(each.address for each in row.targets.all()),
            delivers_to=tuple(each.mailbox.local_part for each in row.deliveries.all()),
            note=row.note,
            enabled=row.enabled,
            has_passphrase=row.sealed_hash is not None,
            password_hash=clear,
            holders=tuple(each.account.email for each in row.holdings.all()),
            expires_at=row.expires_at.isoformat() if row.expires_at is not None else None,
        )
