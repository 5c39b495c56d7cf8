"""Address requests: asked by a stranger, confirmed by the target's holder, decided by the domain's owner."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import access, limits, tokens
from tenants.actions.accounts import account_for
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.mailboxes import insert_sealed_mailbox
from tenants.actions.marks import mark_mailbox
from tenants.actions.targets import add_target_rows, check_target_list
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid
from tenants.formats.addresses import check_local_part, check_target
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text
from tenants.models import AddressRequest, Domain, Mailbox, Membership
from tenants.secrets import Purpose, seal

Status = AddressRequest.Status
# How many requests expire in one look.
AT_ONCE = 200


@dataclass(frozen=True)
class Submitted:
    """A request and the token of its timeline page, which only the requester gets."""

    request: AddressRequest
    page_token: str = field(repr=False)


def open_domain(name: str) -> Domain:
    """The domain whose public request page this is; Absent where nobody may ask."""
    domain = Domain.objects.filter(name=name, requests=Domain.Requests.MODERATED).first()
    if domain is None:
        raise Absent
    return domain


def submit_request(
    *, actor: Actor, domain: Domain, local_part: str, target: str, password_hash: str, message: str = ""
) -> Submitted:
    """Ask for an address. Nothing is decided or revealed before the target's holder pressed Confirm."""
    checks = Checks()
    with checks:
        local_part = check_local_part(local_part)
    with checks:
        target = check_target(target, own_domain=domain.name)
    with checks:
        password_hash = check_hash(password_hash)
    with checks:
        message = check_text(message, field="message", maximum=500, multiline=True) if message else ""
    checks.finish()
    # Counted before the transaction, so that a refused one counts too.
    limits.spend(limits.REQUESTS_PER_NETWORK, limits.network_of(actor.ip))
    limits.spend(limits.REQUESTS_PER_TARGET, target.lower())
    limits.spend(limits.REQUESTS_PER_DOMAIN, domain.name)
    return _insert_request(actor, domain, local_part, target, password_hash, message)


@transaction.atomic
def _insert_request(
    actor: Actor, domain: Domain, local_part: str, target: str, password_hash: str, message: str
) -> Submitted:
    if not Domain.objects.filter(pk=domain.pk, requests=Domain.Requests.MODERATED).exists():
        raise Absent
    confirm_token, page_token = tokens.new_token(), tokens.new_token()
    request = AddressRequest.objects.create(
        domain=domain,
        local_part=local_part,
        target=target,
        sealed_hash=seal(Purpose.MAILBOX_HASH, password_hash),
        message=message,
        confirm_digest=tokens.digest(confirm_token),
        page_digest=tokens.digest(page_token),
        asked_at=timezone.now(),
    )
    owe_mail(
        recipient=target,
        subject=f"Do you want {local_part}@{domain.name}?",
        body=(
            f"Hello,\n\nsomebody, probably you, asked for the address {local_part}@{domain.name}, with its"
            " mail sent on to this one. Open this page and press the button to confirm it:\n\n"
            f"{settings.BASE_URL}/asked/confirm/{confirm_token}\n\n"
            "If it was not you, do nothing: without the button, nothing happens."
        ),
    )
    record(
        actor,
        "submit_request",
        f"{local_part}@{domain.name}",
        f"{target} asked for {local_part}@{domain.name}.",
        domain=domain,
        after={"status": request.status, "target": target},
    )
    return Submitted(request, page_token)


def find_by_page(page_token: str) -> AddressRequest:
    return _find(page_digest=tokens.digest(page_token))


def find_by_confirmation(confirm_token: str) -> AddressRequest:
    return _find(confirm_digest=tokens.digest(confirm_token))


def _find(**lookup: str) -> AddressRequest:
    row = (
        AddressRequest.objects.select_related("domain__organization", "mailbox__domain")
        .filter(**lookup)
        .first()
    )
    if row is None:
        raise Absent
    return row


@transaction.atomic
def confirm_request(*, actor: Actor, confirm_token: str) -> AddressRequest:
    """The holder of the target pressed Confirm: an account is made or attached, the owner is told.

    Pressing twice is no error. A name that is taken is told now, not before; then, and after
    `settings.CONFIRM_WITHIN`, the request ends.
    """
    request = find_by_confirmation(confirm_token)
    lock(request)
    if request.status != Status.ASKED:
        return request
    if request.asked_at < _expired_before():
        _expire(Actor.rookery(), request)
        return request
    now = timezone.now()
    taken = Mailbox.objects.filter(domain=request.domain, local_part=request.local_part).exists()
    if taken:
        _end(request, Status.TAKEN, confirmed_at=now, account=account_for(request.target))
    else:
        _change(request, status=Status.CONFIRMED, confirmed_at=now, account=account_for(request.target))
    sentence = f"{request.target} confirmed the request for {request.address}."
    _record(actor, "confirm_request", request, sentence)
    if not taken:
        _tell_deciders(request)
    return request


def _change(request: AddressRequest, **values: Any) -> None:
    """Write some columns; the caller holds the row."""
    for name, value in values.items():
        setattr(request, name, value)
    request.save(update_fields=list(values))


def _end(request: AddressRequest, status: str, **values: Any) -> None:
    """Nothing comes after `status`: the passphrase's hash goes in the same write."""
    _change(request, status=status, sealed_hash=None, **values)


def _record(
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


def _expired_before() -> datetime:
    within: timedelta = settings.CONFIRM_WITHIN
    return timezone.now() - within


def expire_requests(*, actor: Actor) -> int:
    """End requests that nobody confirmed in time, the oldest first and some at once; returns how many.

    One that was confirmed waits for its decision however long that takes.
    """
    if not actor.system:
        raise Forbidden("Requests expire by themselves; Rookery looks every few seconds.")
    late = AddressRequest.objects.filter(status=Status.ASKED, asked_at__lt=_expired_before())
    return sum(
        _expire_one(actor, pk) for pk in late.order_by("asked_at").values_list("pk", flat=True)[:AT_ONCE]
    )


@transaction.atomic
def _expire_one(actor: Actor, pk: int) -> bool:
    request = AddressRequest.objects.select_for_update().filter(pk=pk, status=Status.ASKED).first()
    if request is None:
        return False
    _expire(actor, request)
    return True


def _expire(actor: Actor, request: AddressRequest) -> None:
    _end(request, Status.EXPIRED, decided_at=timezone.now())
    _record(actor, "expire_request", request, f"{request.target} did not confirm {request.address} in time.")


def _tell_deciders(request: AddressRequest) -> None:
    address = request.address
    deciders = Membership.objects.filter(
        organization=request.domain.organization,
        role__in=[Membership.Role.OWNER, Membership.Role.MANAGER],
        account__is_active=True,
    ).select_related("account")
    for membership in deciders[:20]:
        owe_mail(
            recipient=membership.account.email,
            subject=f"{request.target} asks for {address}",
            body=(
                f"Hello,\n\n{request.target} asks for the address {address}. Decide it here:\n\n"
                f"{settings.BASE_URL}/requests/{request.pk}\n"
            ),
        )


def _require_waiting(actor: Actor, request: AddressRequest) -> None:
    """May the actor decide, and does it wait for that? Holds the row: of two deciders one is told."""
    access.require(actor, access.Verb.DECIDE, request)
    lock(request)
    if request.status != Status.CONFIRMED:
        who = f" by {request.decided_by}" if request.decided_by else ""
        raise Conflict(f"This request is not waiting any more: it is {request.get_status_display()}{who}.")


@transaction.atomic
def approve_request(*, actor: Actor, request: AddressRequest) -> Mailbox:
    """Say yes: the address is made with the requester's passphrase and confirmed target, and pushed."""
    _require_waiting(actor, request)
    if request.sealed_hash is None:
        raise Conflict("The passphrase of this request is gone. Ask the person to request it again.")
    with Checks() as checks:
        check_local_part(request.local_part)
    with checks:
        check_target_list([request.target], request.domain)
    checks.finish()
    access.require_rank(actor, f"{request.local_part}@{request.domain.name}")
    mailbox = insert_sealed_mailbox(
        domain=request.domain,
        local_part=request.local_part,
        sealed_hash=bytes(request.sealed_hash),
        note="",
        holder=request.account,
    )
    add_target_rows(actor, mailbox, [request.target], confirmed=True)
    _end(request, Status.APPROVED, decided_at=timezone.now(), decided_by=actor.account, mailbox=mailbox)
    target = mark_mailbox(mailbox)
    record(
        actor,
        "approve_request",
        mailbox,
        f"{actor} approved {mailbox} for {request.target}.",
        mailbox=mailbox,
        target=target,
        before={"status": Status.CONFIRMED},
        after={"status": request.status, "targets": [request.target]},
    )
    owe_mail(
        recipient=request.target,
        subject=f"{mailbox} is yours",
        body=(
            f"Hello,\n\nyour request for {mailbox} was approved. It is being written to the mail server now;"
            " this takes a few seconds. Sign in with this address to set up your mail program:\n\n"
            f"{settings.BASE_URL}/sign-in"
        ),
    )
    return mailbox


@transaction.atomic
def refuse_request(*, actor: Actor, request: AddressRequest, reason: str) -> AddressRequest:
    """Say no, with a reason that the requester reads."""
    access.require(actor, access.Verb.DECIDE, request)
    with Checks() as checks:
        reason = check_text(reason, field="reason", maximum=500, multiline=True)
        if not reason:
            raise Invalid.of("reason", "The reason is empty.", "Write a sentence that the person will read.")
    checks.finish()
    _require_waiting(actor, request)
    _end(request, Status.REFUSED, reason=reason, decided_at=timezone.now(), decided_by=actor.account)
    address = request.address
    _record(
        actor,
        "refuse_request",
        request,
        f"{actor} refused {address} for {request.target}.",
        Status.CONFIRMED,
        reason=reason,
    )
    owe_mail(
        recipient=request.target,
        subject=f"{address} was not approved",
        body=f"Hello,\n\nyour request for {address} was refused. The reason given:\n\n{reason}",
    )
    return request


@transaction.atomic
def withdraw_request(*, actor: Actor, page_token: str) -> AddressRequest:
    """The requester takes the request back, from its timeline page."""
    request = find_by_page(page_token)
    lock(request)
    return withdraw_own_request(actor, request)


def withdraw_own_request(actor: Actor, request: AddressRequest) -> AddressRequest:
    """The part after it is known that the request is the actor's own; the caller holds the row."""
    before = request.status
    if before not in AddressRequest.OPEN:
        raise Conflict("This request was decided already; there is nothing to take back.")
    _end(request, Status.WITHDRAWN, decided_at=timezone.now())
    sentence = f"{request.target} took the request for {request.address} back."
    _record(actor, "withdraw_request", request, sentence, before)
    return request
