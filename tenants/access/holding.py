"""What people may have without a rank: the addresses that they hold, and images that were lent to theirs."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from tenants import models as m
from tenants.access.places import organization_id_of
from tenants.access.scope import knows
from tenants.access.table import Kind
from tenants.actor import Actor


def lent_to(actor: Actor) -> Q:
    """Images of others that the actor's organizations may run. What is shared with all is for members of
    any organization, and not for strangers."""
    if actor.account is None or not actor.account.is_active:
        return Q(pk__in=())
    rows = m.Membership.objects.filter(account=actor.account)
    if actor.organization_id is not None:
        rows = rows.filter(organization=actor.organization_id)
    if not rows.exists():
        return Q(pk__in=())
    chosen = m.Image.shared_with.through.objects.filter(organization__in=rows.values("organization_id"))
    return Q(shared=True) | Q(pk__in=chosen.values("image_id"))


def held_mailboxes(actor: Actor) -> QuerySet[m.Mailbox]:
    """The addresses that `actor` holds; none of those in the trash."""
    rows = m.Mailbox.objects.filter(trashed_at=None)
    if actor.account is None or not actor.account.is_active or not knows(actor, Kind.MAILBOX):
        return rows.none()
    if actor.organization_id is not None:
        rows = rows.filter(domain__organization=actor.organization_id)
    if actor.domain_id is not None:
        rows = rows.filter(domain=actor.domain_id)
    # Not a join: no row comes twice, and the database reads the person's few holdings once.
    return rows.filter(pk__in=m.Holding.objects.filter(account=actor.account).values("mailbox_id"))


def people_who_hold(mailbox: m.Mailbox) -> list[m.Account]:
    """Those who hold this address, or for whose mailbox this alias was made, and may sign in; the first one
    first."""
    rows = m.Account.objects.filter(holdings__mailbox=mailbox.made_for or mailbox, is_active=True)
    return list(rows.order_by("holdings__since", "holdings__pk"))


def holds(actor: Actor, mailbox: m.Mailbox) -> bool:
    """Does the actor's account hold this address? Not while it is in the trash."""
    return (
        actor.account is not None
        and actor.account.is_active
        and actor.organization_id in {None, organization_id_of(mailbox)}
        and actor.domain_id in {None, mailbox.domain_id}
        and mailbox.trashed_at is None
        and m.Holding.objects.filter(mailbox=mailbox, account=actor.account).exists()
    )


def holds_own_alias(actor: Actor, alias: m.Mailbox) -> bool:
    """Was this alias made for a mailbox that the actor holds?"""
    return alias.made_for is not None and alias.trashed_at is None and holds(actor, alias.made_for)
