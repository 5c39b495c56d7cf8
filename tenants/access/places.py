"""Where the organization and the domain of each kind of thing are found, seen from its own rows."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import F, Model, Q

from tenants import models as m
from tenants.access.table import Kind

KINDS: dict[type[Model], Kind] = {
    m.Organization: Kind.ORGANIZATION,
    m.Membership: Kind.MEMBERSHIP,
    m.Domain: Kind.DOMAIN,
    m.DomainRole: Kind.DOMAIN_ROLE,
    m.Mailbox: Kind.MAILBOX,
    m.HeldName: Kind.HELD_NAME,
    m.AddressRequest: Kind.REQUEST,
    m.Invitation: Kind.INVITATION,
    m.Repository: Kind.REPOSITORY,
    m.SyncTarget: Kind.SYNC_TARGET,
    m.Run: Kind.RUN,
    m.Event: Kind.EVENT,
    m.Zone: Kind.ZONE,
    m.TsigKey: Kind.TSIG_KEY,
    m.SigningKey: Kind.SIGNING_KEY,
    m.Export: Kind.EXPORT,
    m.UpdateServer: Kind.NAME_SERVER,
    m.Host: Kind.HOST,
    m.HostShare: Kind.HOST_SHARE,
    m.Firewall: Kind.FIREWALL,
    m.HostPreparation: Kind.PREPARATION,
    m.Image: Kind.IMAGE,
    m.ImageFeed: Kind.IMAGE,
    m.ImageFetch: Kind.IMAGE,
    m.Unikernel: Kind.UNIKERNEL,
    m.Volume: Kind.UNIKERNEL,
    m.Stack: Kind.STACK,
    m.Webhook: Kind.WEBHOOK,
    m.WebhookDelivery: Kind.WEBHOOK,
}
ORGANIZATION_PATH: dict[Kind, str] = {
    Kind.ORGANIZATION: "pk",
    Kind.MEMBERSHIP: "organization_id",
    Kind.DOMAIN: "organization_id",
    Kind.DOMAIN_ROLE: "domain__organization_id",
    Kind.MAILBOX: "domain__organization_id",
    Kind.HELD_NAME: "domain__organization_id",
    Kind.REQUEST: "domain__organization_id",
    Kind.INVITATION: "domain__organization_id",
    Kind.REPOSITORY: "organization_id",
    Kind.SYNC_TARGET: "organization_id",
    Kind.RUN: "organization_id",
    Kind.EVENT: "organization_id",
    Kind.ZONE: "domain__organization_id",
    Kind.TSIG_KEY: "repository__organization_id",
    Kind.SIGNING_KEY: "domain__organization_id",
    Kind.EXPORT: "organization_id",
    Kind.NAME_SERVER: "organization_id",
    Kind.HOST: "organization_id",
    Kind.HOST_SHARE: "organization_id",
    Kind.FIREWALL: "host__organization_id",
    Kind.PREPARATION: "host__organization_id",
    Kind.IMAGE: "organization_id",
    Kind.UNIKERNEL: "share__organization_id",
    Kind.STACK: "domain__organization_id",
    Kind.WEBHOOK: "organization_id",
}

# Of what hangs on one of several things, every way to it.
DOMAIN_PATHS: dict[Kind, tuple[str, ...]] = {
    Kind.DOMAIN: ("pk",),
    Kind.DOMAIN_ROLE: ("domain_id",),
    Kind.MAILBOX: ("domain_id",),
    Kind.HELD_NAME: ("domain_id",),
    Kind.REQUEST: ("domain_id",),
    Kind.INVITATION: ("domain_id",),
    Kind.REPOSITORY: ("domain_id",),
    Kind.SYNC_TARGET: ("repository__domain_id", "stack__domain_id"),
    Kind.RUN: ("target__repository__domain_id", "target__stack__domain_id"),
    Kind.EVENT: ("domain_id",),
    Kind.ZONE: ("domain_id",),
    Kind.TSIG_KEY: ("zone__domain_id",),
    Kind.STACK: ("domain_id",),
    Kind.SIGNING_KEY: ("domain_id",),
    Kind.EXPORT: ("domain_id",),
}


def organization_id_of(thing: Model) -> int | None:
    """The id of the organization that `thing` belongs to."""
    if isinstance(thing, m.Organization):
        return thing.pk
    value: Any = thing
    for step in ORGANIZATION_PATH[KINDS[type(thing)]].split("__"):
        value = getattr(value, step)
    return value if isinstance(value, int) else None


def step(thing: Any, path: str) -> Any:
    for step in path.split("__"):
        thing = getattr(thing, step) if thing is not None else None
    return thing


def domains_of(thing: Model) -> set[int]:
    """The ids of the domains that `thing` belongs to; none for what is around domains."""
    if isinstance(thing, m.Event) and not _is_of_its_owner(thing):
        return set()
    found = {step(thing, path) for path in DOMAIN_PATHS.get(KINDS[type(thing)], ())}
    return {value for value in found if isinstance(value, int)}


def in_domains(kind: Kind, domains: Any) -> Q:
    """Things of `kind` that belong to one of `domains`: ids, or a question for them."""
    found = reduce(or_, (Q(**{f"{path}__in": domains}) for path in DOMAIN_PATHS[kind]))
    return found & Q(organization=F("domain__organization")) if kind is Kind.EVENT else found


def _is_of_its_owner(event: m.Event) -> bool:
    """Events from before a domain was handed over stay with the organization that had it."""
    return event.domain is None or event.domain.organization_id == event.organization_id
