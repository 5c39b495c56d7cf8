"""Address requests: asked by a stranger, confirmed by the target's holder, decided by the domain's owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, limits, tokens
from tenants.actions.accounts import account_for
from tenants.actions.audit import record
from tenants.actions.deciders import next_reminder, tell_deciders
from tenants.actions.invitations import find_invitation, use_up
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.marks import mark_mailbox
from tenants.actions.names import require_free_name
from tenants.actions.new_mailboxes import insert_sealed_mailbox
from tenants.actions.request_ends import change, end, expire, expired_before, record_step
from tenants.actions.request_rules import Ground, ground_for, rules_of
from tenants.actions.reversals import final
from tenants.actions.targets import add_target_rows, check_target_list
from tenants.actor import Actor, Via
from tenants.errors import Absent, ActionError, Checks, Conflict, Invalid
from tenants.formats.addresses import check_local_part, check_target
from tenants.formats.passphrase import check_hash
from tenants.formats.text import check_text
from tenants.models import AddressRequest, Domain, Invitation, Mailbox
from tenants.secrets import Purpose, seal

Status = AddressRequest.Status
MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Submitted:
    """A request and the token of its timeline page, which only the requester gets."""

    request: AddressRequest
    page_token: str = field(repr=False)


def open_domain(name: str) -> Domain:
    """The domain whose public request page this is; Absent where nobody may ask."""
    domain = _open_domains().filter(name=name).first()
    if domain is None:
        raise Absent
    return domain


def _open_domains() -> QuerySet[Domain]:
    return Domain.objects.filter(requests__in=Domain.OPEN, organization__suspended_at=None)


def submit_request(
    *,
    actor: Actor,
    domain: Domain,
    local_part: str,
    target: str,
    password_hash: str,
    message: str = "",
    invitation_token: str = "",
) -> Submitted:
    """Ask for an address. Nothing is decided or revealed before the target's holder pressed Confirm.

    An invitation opens a domain that is closed to strangers, may fix the local part, and loses a use.
    """
    invitation = find_invitation(invitation_token) if invitation_token else None
    if invitation is not None:
        if invitation.domain_id != domain.pk:
            raise Absent
        local_part = invitation.local_part or local_part
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
    return _insert_request(actor, domain, local_part, target, password_hash, message, invitation)


@transaction.atomic
def _insert_request(
    actor: Actor,
    domain: Domain,
    local_part: str,
    target: str,
    password_hash: str,
    message: str,
    invitation: Invitation | None,
) -> Submitted:
    if invitation is not None:
        use_up(invitation)
    elif not _open_domains().filter(pk=domain.pk).exists():
        raise Absent
    confirm_token, page_token = tokens.new_token(), tokens.new_token()
    request = AddressRequest.objects.create(
        domain=domain,
        local_part=local_part,
        target=target,
        sealed_hash=seal(Purpose.MAILBOX_HASH, password_hash),
        message=message,
        invitation=invitation,
        confirm_digest=tokens.digest(confirm_token),
        page_digest=tokens.digest(page_token),
        asked_at=timezone.now(),
    )
    owe_mail(
        recipient=target,
        subject=_("Do you want %(local_part)s@%(name)s?") % {"local_part": local_part, "name": domain.name},
        body=(
            _(
                "Hello,\n\nsomebody, probably you, asked for the address "
                "%(local_part)s@%(name)s, with its mail sent on to this one. Open this page "
                "and press the button to confirm "
                "it:\n\n%(panel)s/asked/confirm/%(confirm_token)s\n\nIf it was not you, do "
                "nothing: without the button, nothing happens."
            )
            % {
                "local_part": local_part,
                "name": domain.name,
                "panel": settings.BASE_URL,
                "confirm_token": confirm_token,
            }
        ),
    )
    record(
        actor,
        "submit_request",
        f"{local_part}@{domain.name}",
        f"{target} asked for {local_part}@{domain.name}{', by invitation' if invitation else ''}.",
        domain=domain,
        after={"status": request.status, "target": target}
        | ({"invitation": invitation.pk} if invitation else {}),
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
    """The holder of the target pressed Confirm: an account is made or attached, then it is decided.

    An invitation or the domain's rule may say yes at once; otherwise those who decide are told. Pressing
    twice is no error. A name that is taken is told now, not before; then, and after
    `settings.CONFIRM_WITHIN`, the request ends.
    """
    request = find_by_confirmation(confirm_token)
    lock(request)
    if request.status != Status.ASKED:
        return request
    if request.asked_at < expired_before():
        expire(Actor.rookery(), request)
        return request
    taken = _why_not_to_be_had(request)
    account = account_for(request.target)
    request.confirmed_at = now = timezone.now()
    if taken:
        end(request, Status.TAKEN, confirmed_at=now, account=account, waits_because=taken[:500])
    else:
        days = rules_of(request.domain).decide_within_days
        request.decide_by = now + timedelta(days=days) if days is not None else None
        change(
            request,
            status=Status.CONFIRMED,
            confirmed_at=now,
            account=account,
            decide_by=request.decide_by,
            remind_at=next_reminder(request, now),
        )
    sentence = f"{request.target} confirmed the request for {request.address}."
    record_step(actor, "confirm_request", request, sentence)
    if not taken and not _approve_by_itself(request):
        tell_deciders(request)
    return request


def _why_not_to_be_had(request: AddressRequest) -> str:
    """What keeps this name from being given, for the team's eyes; empty when nothing does.

    Whoever invites somebody to a reserved name gives it, as they could by making the address.
    """
    if Mailbox.objects.filter(domain=request.domain, local_part=request.local_part).exists():
        return f"{request.address} exists already."
    invitation = request.invitation
    giver = invitation.made_by if invitation is not None and invitation.local_part else None
    try:
        require_free_name(request.domain, request.local_part, Actor(account=giver))
    except Invalid as error:
        return error.problems[0].problem
    return ""


def _approve_by_itself(request: AddressRequest) -> bool:
    """Let an invitation or the domain's rule say yes; whatever stands against it is noted for people."""
    try:
        with transaction.atomic():
            ground = ground_for(request)
            if ground is None:
                return False
            _grant(Actor.rookery(), request, ground)
    except ActionError as error:
        lock(request)  # as it was before the attempt
        change(request, waits_because=error.sentence[:500])
        return False
    return True


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
    return _grant(actor, request, Ground("by a link in a mail" if actor.via == Via.LINK else "", actor))


def _grant(actor: Actor, request: AddressRequest, ground: Ground) -> Mailbox:
    """Make the address. What `ground.rank` may not lead elsewhere is refused, whoever acts."""
    _require_waiting(actor, request)
    if request.sealed_hash is None:
        raise Conflict("The passphrase of this request is gone. Ask the person to request it again.")
    with Checks() as checks:
        check_local_part(request.local_part)
    with checks:
        check_target_list([request.target], request.domain)
    checks.finish()
    access.require_rank(ground.rank, request.address)
    require_free_name(request.domain, request.local_part, actor)
    mailbox = insert_sealed_mailbox(
        domain=request.domain,
        local_part=request.local_part,
        sealed_hash=bytes(request.sealed_hash),
        note="",
        holder=request.account,
    )
    add_target_rows(actor, mailbox, [request.target], confirmed=True)
    end(
        request,
        Status.APPROVED,
        decided_at=timezone.now(),
        decided_by=actor.account,
        mailbox=mailbox,
        given_to=ground.given_to,
    )
    target = mark_mailbox(mailbox)
    record(
        actor,
        "approve_request",
        mailbox,
        f"{actor} approved {mailbox} for {request.target}{', ' * bool(ground.because)}{ground.because}.",
        mailbox=mailbox,
        target=target,
        before={"status": Status.CONFIRMED},
        after={"status": request.status, "targets": [request.target]},
    )
    owe_mail(
        recipient=request.target,
        subject=_("%(mailbox)s is yours") % {"mailbox": mailbox},
        body=(
            _(
                "Hello,\n\nyour request for %(mailbox)s was approved. It is being written to "
                "the mail server now; this takes a few seconds. Sign in with this address to "
                "set up your mail program:\n\n%(panel)s/sign-in"
            )
            % {"mailbox": mailbox, "panel": settings.BASE_URL}
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
    end(request, Status.REFUSED, reason=reason, decided_at=timezone.now(), decided_by=actor.account)
    address = request.address
    record_step(
        actor,
        "refuse_request",
        request,
        f"{actor} refused {address} for {request.target}{', by a link in a mail' * (actor.via == Via.LINK)}.",
        Status.CONFIRMED,
        reason=reason,
    )
    owe_mail(
        recipient=request.target,
        subject=_("%(address)s was not approved") % {"address": address},
        body=_("Hello,\n\nyour request for %(address)s was refused. The reason given:\n\n%(reason)s")
        % {"address": address, "reason": reason},
    )
    return request


@transaction.atomic
def refuse_requests(*, actor: Actor, requests: Sequence[AddressRequest], reason: str) -> int:
    """Say no to several for one reason: to all of them, or to none when one does not wait any more."""
    if not requests:
        raise Invalid.of("requests", "No request was chosen.", "Choose one or more.")
    if len(requests) > MOST_AT_ONCE:
        raise Invalid.of("requests", f"These are {len(requests)}.", f"Choose {MOST_AT_ONCE} at most.")
    for request in sorted(requests, key=lambda each: each.pk):
        refuse_request(actor=actor, request=request, reason=reason)
    return len(requests)


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
    end(request, Status.WITHDRAWN, decided_at=timezone.now())
    sentence = f"{request.target} took the request for {request.address} back."
    record_step(actor, "withdraw_request", request, sentence, before)
    return request


final("This was told to somebody by mail, and cannot be untold.", "submit_request", "confirm_request")
final(
    "The decision was told to the person by mail. Put the address into the trash if it should not be.",
    "approve_request",
)
final("The decision was told to the person by mail. They can ask again.", "refuse_request", "refuse_requests")
final("Who asked can ask again.", "withdraw_request", "expire_request")
