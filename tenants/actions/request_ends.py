"""How a request moves on and ends: by a decision, by its requester, or by itself when nobody came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.actions.audit import record
from tenants.actions.invitations import give_use_back
from tenants.actions.mail import owe_mail
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import AddressRequest

Status = AddressRequest.Status
# How many requests expire in one look.
AT_ONCE = 200


def change(request: AddressRequest, **values: Any) -> None:
    """Write some columns; the caller holds the row."""
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=list(values))


def end(request: AddressRequest, status: str, **values: Any) -> None:
    """Nothing comes after `status`: the passphrase's hash goes in the same write, and so do the deciders'
    links. An invitation gets its use back, unless the request came to a yes or a no."""
    change(request, status=status, sealed_hash=None, remind_at=None, **values)
    request.decision_links.all().delete()
    if status in AddressRequest.ENDED_OTHERWISE:
        give_use_back(request.invitation_id)


def record_step(
    actor: Actor, verb: str, request: AddressRequest, sentence: str, before: str = Status.ASKED, **extra: Any
) -> None:
    record(
        actor,
        verb,
        request.address,
        sentence,
        domain=request.domain,
        before={"status": before},
        after={"status": request.status},
        **extra,
    )


def expired_before() -> datetime:
    within: timedelta = settings.CONFIRM_WITHIN
    return timezone.now() - within


def expire_requests(*, actor: Actor) -> int:
    """End requests that nobody confirmed or decided in time, the oldest first and some at once; how many."""
    if not actor.system:
        raise Forbidden("Requests expire by themselves; Rookery looks every few seconds.")
    rows = AddressRequest.objects
    late = [
        *rows.filter(status=Status.ASKED, asked_at__lt=expired_before()).order_by("asked_at")[:AT_ONCE],
        *rows.filter(status=Status.CONFIRMED, decide_by__lt=timezone.now()).order_by("decide_by")[:AT_ONCE],
    ]
    return sum(_expire_one(actor, each.pk, each.status) for each in late)


@transaction.atomic
def _expire_one(actor: Actor, pk: int, status: str) -> bool:
    request = AddressRequest.objects.select_for_update().filter(pk=pk, status=status).first()
    if request is None:
        return False
    (expire if status == Status.ASKED else _lapse)(actor, request)
    return True


def expire(actor: Actor, request: AddressRequest) -> None:
    end(request, Status.EXPIRED, decided_at=timezone.now())
    record_step(
        actor, "expire_request", request, f"{request.target} did not confirm {request.address} in time."
    )


def _lapse(actor: Actor, request: AddressRequest) -> None:
    end(request, Status.LAPSED, decided_at=timezone.now())
    address = request.address
    sentence = f"Nobody decided in time whether {request.target} gets {address}."
    record_step(actor, "lapse_request", request, sentence, Status.CONFIRMED)
    owe_mail(
        recipient=request.target,
        subject=_("Nobody decided about %(address)s") % {"address": address},
        body=(
            _(
                "Hello,\n\nyour request for %(address)s waited for %(organization)s, and "
                "nobody decided in time. It has ended, no address was made, and the "
                "fingerprint of your passphrase is deleted. If you still want the address, ask "
                "for it again."
            )
            % {"address": address, "organization": request.domain.organization}
        ),
    )


final("Who asked can ask again.", "lapse_request")
