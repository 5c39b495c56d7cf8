"""Those who decide about requests: told when one comes and reminded while it waits, each by a link."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tenants import tokens
from tenants.actions.audit import record
from tenants.actions.notices import About, Letter, entitled, notify
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import Account, AddressRequest, DecisionLink, Domain
from tenants.notices import REQUEST_WAITS

# How long after it was confirmed; no more than these.
REMIND_AFTER = (timedelta(days=3), timedelta(days=10))
LINK_LIFETIME = timedelta(days=7)
# How many requests are reminded of in one look.
AT_ONCE = 100


def deciders_of(domain: Domain) -> QuerySet[Account]:
    """Those who decide about requests for `domain` now, by rank or by a role on it."""
    return entitled(REQUEST_WAITS, About("", domain=domain))


def next_reminder(request: AddressRequest, now: datetime) -> datetime | None:
    """When deciders are reminded next; None when they were often enough, or when it lapses before."""
    assert request.confirmed_at is not None  # noqa: S101 - of every request that waits
    times = (request.confirmed_at + after for after in REMIND_AFTER)
    return next(
        (at for at in times if at > now and (request.decide_by is None or at < request.decide_by)), None
    )


def tell_deciders(request: AddressRequest, *, again: bool = False) -> None:
    """Tell each decider. A mail at once has a link that decides this request as them; their earlier one
    ends."""
    values: dict[str, object] = {"target": request.target, "address": request.address}

    def line() -> str:
        if again:
            return _("Still waiting: %(target)s asks for %(address)s") % values
        return _("%(target)s asks for %(address)s") % values

    def mail(account: Account) -> Letter:
        asks = _("%(target)s asks for the address %(address)s.") % values
        if again and request.confirmed_at:
            asks = _("%(target)s asks for the address %(address)s, and has waited since %(day)s.") % {
                **values,
                "day": _day(request.confirmed_at),
            }
        parts = [_("Hello,"), asks]
        if request.waits_because:
            parts[1] += "\n\n" + _("It was not given automatically: %(why)s") % {"why": request.waits_because}
        if request.decide_by:
            parts.append(_("Undecided, it lapses on %(day)s.") % {"day": _day(request.decide_by)})
        parts.append(
            _(
                "Decide it here, without signing in. This link works once, for this request, until %(day)s;"
                " whoever has it decides in your name:\n\n%(link)s\n\nOr sign in and decide it"
                " there:\n\n%(page)s\n"
            )
            % {**_way_to_decide(request, account), "page": f"{settings.BASE_URL}/requests/{request.pk}"}
        )
        return Letter(line(), "\n\n".join(parts))

    about = About(f"/requests/{request.pk}", thing=request, domain=request.domain)
    notify(REQUEST_WAITS, about, line=line, mail=mail)


def _way_to_decide(request: AddressRequest, account: Account) -> dict[str, str]:
    token, until = tokens.new_token(), timezone.now() + LINK_LIFETIME
    DecisionLink.objects.update_or_create(
        request=request, account=account, defaults={"digest": tokens.digest(token), "expires_at": until}
    )
    return {"link": f"{settings.BASE_URL}/decide/{token}", "day": _day(until)}


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "d F Y")


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
