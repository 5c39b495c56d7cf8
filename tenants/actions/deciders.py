"""Those who decide about requests: told when one comes and reminded while it waits, each by a link."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access, tokens
from tenants.actions.audit import record
from tenants.actions.mail import owe_mail
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import AddressRequest, DecisionLink, Domain, Membership

# How long after it was confirmed; no more than these.
REMIND_AFTER = (timedelta(days=3), timedelta(days=10))
LINK_LIFETIME = timedelta(days=7)
MOST_DECIDERS = 20
# How many requests are reminded of in one look.
AT_ONCE = 100


def deciders_of(domain: Domain) -> QuerySet[Membership]:
    """The memberships that decide about requests for `domain` now."""
    roles = access.roles_that(access.Verb.DECIDE, access.Kind.REQUEST)
    return Membership.objects.filter(
        organization=domain.organization_id, role__in=roles, account__is_active=True
    ).select_related("account")


def next_reminder(request: AddressRequest, now: datetime) -> datetime | None:
    """When deciders are reminded next; None when they were often enough, or when it lapses before."""
    assert request.confirmed_at is not None  # noqa: S101 - of every request that waits
    times = (request.confirmed_at + after for after in REMIND_AFTER)
    return next(
        (at for at in times if at > now and (request.decide_by is None or at < request.decide_by)), None
    )


def tell_deciders(request: AddressRequest, *, again: bool = False) -> None:
    """Owe each decider a mail with a link that decides this request as them; their earlier one ends."""
    now, address = timezone.now(), request.address
    subject = f"{request.target} asks for {address}"
    until = f"\n\nUndecided, it lapses on {_day(request.decide_by)}." if request.decide_by else ""
    because = f"\n\nIt was not given automatically: {request.waits_because}" if request.waits_because else ""
    waits = f", and has waited since {_day(request.confirmed_at)}" if again and request.confirmed_at else ""
    for membership in deciders_of(request.domain).order_by("pk")[:MOST_DECIDERS]:
        token = tokens.new_token()
        DecisionLink.objects.update_or_create(
            request=request,
            account=membership.account,
            defaults={"digest": tokens.digest(token), "expires_at": now + LINK_LIFETIME},
        )
        owe_mail(
            recipient=membership.account.email,
            subject=f"Still waiting: {subject}" if again else subject,
            body=(
                f"Hello,\n\n{request.target} asks for the address {address}{waits}.{because}{until}\n\n"
                "Decide it here, without signing in. This link works once, for this request, until"
                f" {_day(now + LINK_LIFETIME)}; whoever has it decides in your name:\n\n"
                f"{settings.BASE_URL}/decide/{token}\n\nOr sign in and decide it there:\n\n"
                f"{settings.BASE_URL}/requests/{request.pk}\n"
            ),
        )


def _day(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%d %B %Y}" if at is not None else "never"


def remind_deciders(*, actor: Actor) -> int:
    """Write again to those who decide requests that wait for long; returns how many requests it were."""
    if not actor.system:
        raise Forbidden("Reminders go out by themselves; Rookery looks every few seconds.")
    due = AddressRequest.objects.filter(
        status=AddressRequest.Status.CONFIRMED, remind_at__lte=timezone.now()
    ).order_by("remind_at")
    return sum(_remind_of(actor, pk) for pk in due.values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _remind_of(actor: Actor, pk: int) -> bool:
    now = timezone.now()
    request = (
        AddressRequest.objects.select_for_update(of=("self",))
        .select_related("domain__organization")
        .filter(pk=pk, status=AddressRequest.Status.CONFIRMED, remind_at__lte=now)
        .first()
    )
    if request is None:
        return False
    request.reminded_at, request.remind_at = now, next_reminder(request, now)
    request.save(update_fields=["reminded_at", "remind_at"])
    tell_deciders(request, again=True)
    record(
        actor,
        "remind_deciders",
        request.address,
        f"Those who decide were reminded that {request.target} waits for {request.address}.",
        domain=request.domain,
    )
    return True


final("The reminder was sent by mail.", "remind_deciders")
