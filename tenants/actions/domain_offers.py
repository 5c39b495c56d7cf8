"""Handing a domain over to another organization: offered by one owner, accepted by the other.

Nothing outside changes by it: what is kept in agreement stays the same, and belongs to somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tenants import access, tokens
from tenants.actions.audit import record
from tenants.actions.domain_roles import end_domain_role
from tenants.actions.locking import lock, lock_installation
from tenants.actions.mail import owe_mail
from tenants.actions.quotas import give_quota_back, take_quota
from tenants.actions.reversals import final
from tenants.actions.webhooks import count_webhooks
from tenants.actor import Actor
from tenants.belongings import belongings_of, counted, is_forgotten, places_of
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.addresses import check_target
from tenants.formats.text import printable
from tenants.models import (
    Account,
    ApiToken,
    Domain,
    DomainOffer,
    Organization,
    Repository,
    Run,
    SyncTarget,
    UpdateServer,
    Zone,
)

MOST_DAYS = 90
Kind, Verb = access.Kind, access.Verb


@dataclass(frozen=True)
class Offered:
    """A new offer and its code, which is shown this once."""

    offer: DomainOffer
    code: str = field(repr=False)

    @property
    def url(self) -> str:
        """Where the code is typed, to see what one would get and to accept it."""
        return f"{settings.BASE_URL}/take-over"


@transaction.atomic
def offer_domain(*, actor: Actor, domain: Domain, email: str = "", days: int = 14) -> Offered:
    """Offer a domain to whoever has the code, for some days; with `email`, to the person of that address
    alone, who is mailed it. Owners do. Raises Conflict with all that keeps the domain where it is.
    """
    access.require(actor, Verb.VIEW, domain)
    access.require(actor, Verb.DELETE, domain)
    checks = Checks()
    with checks:
        email = check_target(email, field="email") if email else ""
    if not 1 <= days <= MOST_DAYS:
        checks.problems.append(Problem("days", f"{days} is not possible.", f"Choose 1 to {MOST_DAYS}."))
    checks.finish()
    lock(domain)
    _require_movable(domain)
    former = DomainOffer.objects.filter(domain=domain).first()
    if former is not None and former.is_open:
        raise Conflict(f"{domain} is offered already. Take that offer back first.")
    if former is not None:
        former.delete()
    code, now = tokens.new_token(), timezone.now()
    row = DomainOffer.objects.create(
        domain=domain,
        digest=tokens.digest(code),
        recipient=email,
        made_by=actor.account,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    made = Offered(row, code)
    if email:
        owe_mail(
            recipient=email,
            subject=_("%(domain)s is offered to you") % {"domain": domain},
            body=_(
                "Hello,\n\n%(actor)s offers the domain %(domain)s, which %(organization)s has now, to an"
                " organization of yours. Open this page to see what you would get, and to accept it:"
                "\n\n%(url)s\n\nIt asks for this code:\n\n%(code)s"
                "\n\nThe offer ends on %(end)s. If you do not want it, do nothing."
            )
            % {
                "actor": actor,
                "domain": domain,
                "organization": domain.organization,
                "url": made.url,
                "code": code,
                "end": date_format(row.expires_at, "j F Y"),
            },
        )
    record(
        actor,
        "offer_domain",
        domain.name,
        f"{domain} was offered to {email or 'whoever has the code'} for {counted(days, 'day', 'days')}.",
        domain=domain,
        after={"offered_to": email, "until": row.expires_at.isoformat()},
    )
    return made


@transaction.atomic
def take_back_offer(*, actor: Actor, domain: Domain) -> None:
    """End the offer of a domain: its code works no more. Raises Absent where there is none."""
    access.require(actor, Verb.VIEW, domain)
    access.require(actor, Verb.DELETE, domain)
    lock(domain)
    row = DomainOffer.objects.filter(domain=domain).first()
    if row is None:
        raise Absent
    before = {"offered_to": row.recipient, "until": row.expires_at.isoformat()}
    row.delete()
    record(
        actor,
        "take_back_offer",
        domain.name,
        f"The offer of {domain} was taken back.",
        domain=domain,
        before=before,
    )


def find_offer(actor: Actor, code: str) -> DomainOffer:
    """The open offer with this code, if this person may accept it; Absent for all others alike."""
    row = (
        DomainOffer.objects.select_related("domain__organization")
        .filter(
            digest=tokens.digest(code),
            expires_at__gt=timezone.now(),
            domain__organization__suspended_at=None,
        )
        .first()
    )
    if (
        row is None
        or actor.account is None
        or (row.recipient and row.recipient.lower() != actor.account.email)
    ):
        raise Absent
    return row


@transaction.atomic
def accept_offer(*, actor: Actor, code: str, organization: Organization) -> Domain:
    """Take the offered domain into an organization where the actor may add domains, if it has room."""
    access.require(actor, Verb.VIEW, organization)
    access.require_create(actor, Kind.DOMAIN, organization)
    offer = find_offer(actor, code)
    domain = offer.domain
    lock_installation()
    lock(domain)
    if not DomainOffer.objects.filter(pk=offer.pk, domain=domain).exists():
        raise Absent
    if belongings_of(domain).hindrances:
        raise Conflict(
            f"{domain} cannot be handed over yet: something of {domain.organization} still depends on it."
            " Ask them to look at the page on which they offered it."
        )
    offered_by = str(offer.made_by or domain.organization)
    return _hand_over(actor, domain, organization, reason=f"Offered by {offered_by}.")


@transaction.atomic
def hand_over_domain(*, actor: Actor, domain: Domain, organization: Organization) -> Domain:
    """Give a domain to another organization at once, without an offer. Operators only."""
    access.require(actor, Verb.VIEW, domain)
    access.require(actor, Verb.VIEW, organization)
    if not actor.is_operator:
        raise Forbidden("Operators hand over at once. Offer the domain to its new owner instead.")
    access.require(actor, Verb.MANAGE, domain)
    access.require_create(actor, Kind.DOMAIN, organization)
    lock_installation()
    lock(domain)
    _require_movable(domain)
    return _hand_over(actor, domain, organization, reason="By an operator.")


def _require_movable(domain: Domain) -> None:
    found = belongings_of(domain).hindrances
    if found:
        raise Conflict(f"{domain} cannot be handed over yet. {found[0]}", found)


def _hand_over(actor: Actor, domain: Domain, after: Organization, *, reason: str) -> Domain:
    """The change itself. The caller holds the installation and the domain, and found nothing in the way."""
    before = Organization.objects.get(pk=domain.organization_id)
    if before == after:
        raise Invalid.of("organization", f"{after} has {domain} already.", "Choose another organization.")
    zone: Zone | None = Zone.objects.filter(domain=domain).first()
    if zone is not None:
        lock(zone)
    for each in sorted((before, after), key=lambda row: row.pk):
        lock(each)
    addresses = domain.mailboxes.filter(trashed_at=None).count()
    take_quota(after, "domain")
    take_quota(after, "mailbox", addresses)
    ended = _end_what_ends(domain, zone)
    _move_places(domain, after)
    domain.organization = after
    domain.save(update_fields=["organization"])
    give_quota_back(before, "domain")
    give_quota_back(before, "mailbox", addresses)
    count_webhooks(before)
    told: dict[str, Any] = {"addresses": addresses, **ended}
    record(
        actor,
        "hand_over_domain",
        domain.name,
        f"{domain} was handed over to {after}.",
        organization=before,
        before={"organization": str(before)},
        after={"organization": str(after), **told},
        reason=reason,
    )
    record(
        actor,
        "take_over_domain",
        domain.name,
        f"{domain} was taken over from {before}.",
        domain=domain,
        before={"organization": str(before)},
        after={"organization": str(after), "addresses": addresses},
        reason=reason,
    )
    _tell_owners(domain, before, after)
    return domain


def _end_what_ends(domain: Domain, zone: Zone | None) -> dict[str, list[str]]:
    """What was given by those who had the domain; returns the names of it, by kind."""
    roles = list(domain.roles.select_related("account").order_by("account_id"))
    keys = ApiToken.objects.filter(domain=domain)
    webhooks = domain.webhooks.order_by("name")
    ended = {
        "roles": sorted(f"{each.account.email}: {each.role}" for each in roles),
        "tokens": sorted(f"{name} ({hint}…)" for name, hint in keys.values_list("name", "hint")),
        "webhooks": list(webhooks.values_list("name", flat=True)),
    }
    DomainOffer.objects.filter(domain=domain).delete()
    for role in roles:
        lock(role.account)
        end_domain_role(role)
    # A key of the organization itself is an account of its own.
    Account.objects.filter(is_service=True, tokens__domain=domain).delete()
    keys.delete()
    webhooks.delete()
    domain.exports.all().delete()
    if zone is not None and is_forgotten(zone):
        zone.secondaries.all().delete()
        zone.delete()
        domain._state.fields_cache.pop("zone", None)
    elif zone is not None:
        zone.certificate_uses.all().delete()  # those that are off: the others would be in the way
    return ended


def _move_places(domain: Domain, after: Organization) -> None:
    """Repositories, name servers and what is kept in agreement with them belong to `after` from now on."""
    targets = places_of(domain)
    servers = [each.update_server_id for each in targets if each.update_server_id]
    for server in UpdateServer.objects.filter(pk__in=servers):
        lock(server)
    for target in targets:
        lock(target)
        if target.lease_until > timezone.now():
            raise Conflict(f"A worker is busy with {domain} just now. Try again in a minute.")
    try:
        with transaction.atomic():
            UpdateServer.objects.filter(pk__in=servers).update(organization=after)
    except IntegrityError as error:
        raise Conflict(
            f"{after} has a name server of that name or address already. Rename or remove it first."
        ) from error
    Repository.objects.filter(sync_target__in=targets).update(organization=after)
    SyncTarget.objects.filter(pk__in=[each.pk for each in targets]).update(organization=after)
    Run.objects.filter(target__in=targets).update(organization=after)


def _tell_owners(domain: Domain, before: Organization, after: Organization) -> None:
    owners = before.memberships.filter(role="owner", account__is_active=True, account__is_service=False)
    for email in owners.order_by("pk").values_list("account__email", flat=True)[:20]:
        owe_mail(
            recipient=email,
            subject=_("%(domain)s was handed over") % {"domain": domain},
            body=_(
                "Hello,\n\nthe domain %(domain)s was handed over from %(before)s to %(after)s."
                " Its mail goes on; you can change nothing in it any more.\n\n%(url)s"
            )
            % {
                "domain": domain,
                "before": printable(str(before), 100),
                "after": printable(str(after), 100),
                "url": f"{settings.BASE_URL}/o/{before.pk}",
            },
        )


final("Take the offer back instead.", "offer_domain")
final("Offer the domain again: the code of that offer is gone.", "take_back_offer")
final("Its new owner can offer it back, or an operator hands it over again.", "hand_over_domain")
final("Offer the domain to whoever had it before.", "take_over_domain")
