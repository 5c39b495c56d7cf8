"""Invitations: links with which somebody may ask for an address, made and withdrawn by managers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from tenants import access, limits, tokens
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.names import require_free_name
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Invalid, Problem
from tenants.formats.addresses import check_local_part, check_target
from tenants.formats.text import check_text
from tenants.models import Domain, Invitation, Mailbox

MOST_USES = 1000
MOST_DAYS = 366
MOST_OPEN = 1000


@dataclass(frozen=True)
class Invited:
    """A new invitation and its link, which is shown this once."""

    invitation: Invitation
    url: str = field(repr=False)


def make_invitation(
    *,
    actor: Actor,
    domain: Domain,
    note: str = "",
    email: str = "",
    local_part: str = "",
    approved: bool = False,
    uses: int = 1,
    days: int = 14,
) -> Invited:
    """Make a link with which somebody may ask for an address of `domain`, however closed that is.

    `local_part` fixes the address, for one person. `approved` is a yes beforehand: the address is made as
    soon as the target is confirmed. With `email` the link is also mailed there.
    """
    access.require(actor, access.Verb.VIEW, domain)
    access.require_create(actor, access.Kind.INVITATION, domain)
    checks = Checks()
    with checks:
        note = check_text(note, field="note", maximum=200) if note else ""
    with checks:
        email = check_target(email, field="email") if email else ""
    with checks:
        local_part = check_local_part(local_part) if local_part else ""
    if local_part and uses != 1:
        problem = "One address can be had by one person only."
        checks.problems.append(Problem("uses", problem, "Choose 1, or leave the address free."))
    for name, value, most in (("uses", uses, MOST_USES), ("days", days, MOST_DAYS)):
        if not 1 <= value <= most:
            checks.problems.append(Problem(name, f"{value} is not possible.", f"Choose 1 to {most}."))
    checks.finish()
    if email:
        # Counted before the transaction, so that it stays counted.
        limits.spend(limits.INVITATIONS_PER_DOMAIN, domain.name)
    values = {"note": note, "recipient": email, "local_part": local_part, "approved": approved}
    return _insert_invitation(actor, domain, values, uses, timedelta(days=days))


@transaction.atomic
def _insert_invitation(
    actor: Actor, domain: Domain, values: dict[str, Any], uses: int, lifetime: timedelta
) -> Invited:
    local_part, now = values["local_part"], timezone.now()
    lock(domain)
    if local_part:
        if values["approved"]:
            access.require_rank(actor, f"{local_part}@{domain.name}")
        require_free_name(domain, local_part, actor)
        if Mailbox.objects.filter(domain=domain, local_part=local_part).exists():
            raise Invalid.of(
                "local_part", f"{local_part}@{domain.name} exists already.", "Choose another name."
            )
    if usable_invitations().filter(domain=domain).count() >= MOST_OPEN:
        raise Conflict(f"{domain.name} has {MOST_OPEN} open invitations. Withdraw some that nobody needs.")
    token = tokens.new_token()
    row = Invitation.objects.create(
        domain=domain,
        digest=tokens.digest(token),
        uses=uses,
        uses_left=uses,
        made_by=actor.account,
        created_at=now,
        expires_at=now + lifetime,
        **values,
    )
    url = f"{settings.BASE_URL}/invited/{token}"
    if row.recipient:
        _owe_invitation(actor, row, url)
    record(
        actor,
        "make_invitation",
        domain.name,
        f"{actor} invited {row.note or row.recipient or 'somebody'} to ask for {_what(row)}.",
        domain=domain,
        after={**values, "invitation": row.pk, "uses": uses, "expires_at": row.expires_at.isoformat()},
    )
    return Invited(row, url)


def _what(row: Invitation) -> str:
    return (
        f"{row.local_part}@{row.domain.name}"
        if row.local_part
        else _("an address at %(name)s") % {"name": row.domain.name}
    )


def _owe_invitation(actor: Actor, row: Invitation, url: str) -> None:
    then = (
        _("It is yours as soon as you have confirmed where its mail goes.")
        if row.approved
        else _("%(name)s decides then.") % {"name": row.domain.organization.name}
    )
    owe_mail(
        recipient=row.recipient,
        subject=_("An invitation to %(what)s") % {"what": _what(row)},
        body=(
            _(
                "Hello,\n\n%(actor)s invites you to %(what)s. Ask for it here; "
                "%(lower)s%(then)s\n\n%(url)s\n\nThe link works until %(localtime)s. If you do "
                "not know what this is about, do nothing."
            )
            % {
                "actor": actor,
                "what": _what(row),
                "lower": then[0].lower(),
                "then": then[1:],
                "url": url,
                "localtime": date_format(timezone.localtime(row.expires_at), "d F Y"),
            }
        ),
    )


@transaction.atomic
def withdraw_invitation(*, actor: Actor, invitation: Invitation) -> Invitation:
    """Make its link useless, at once. Who asked with it before waits for a decision."""
    access.require(actor, access.Verb.DELETE, invitation)
    lock(invitation)
    if invitation.withdrawn_at is not None:
        raise Conflict("This invitation was withdrawn already.")
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    record(
        actor,
        "withdraw_invitation",
        invitation.domain.name,
        f"{actor} withdrew the invitation of {invitation} to {_what(invitation)}.",
        domain=invitation.domain,
        before={"invitation": invitation.pk, "uses_left": invitation.uses_left, "withdrawn": False},
        after={"withdrawn": True},
    )
    return invitation


def usable_invitations() -> QuerySet[Invitation]:
    """Those whose links work now."""
    # Not a join: with one, an update would choose its rows in a question of its own, which PostgreSQL does
    # not ask again about a row that it had to wait for, and the last use would be given twice.
    served = Domain.objects.filter(organization__suspended_at=None)
    rows = Invitation.objects.filter(withdrawn_at=None, expires_at__gt=timezone.now(), uses_left__gt=0)
    return rows.filter(domain__in=served)


def find_invitation(token: str) -> Invitation:
    """The invitation behind a link; Absent for a wrong, used-up, withdrawn or expired one alike."""
    row = (
        usable_invitations()
        .select_related("domain__organization", "made_by")
        .filter(digest=tokens.digest(token))
        .first()
    )
    if row is None:
        raise Absent
    return row


def use_up(invitation: Invitation) -> None:
    """Count one use, inside the transaction that asks with it; Absent when somebody was faster."""
    if not usable_invitations().filter(pk=invitation.pk).update(uses_left=F("uses_left") - 1):
        raise Absent


def give_use_back(invitation_id: int | None) -> None:
    """Nothing came of a request, and nobody said no: its invitation can be used once more."""
    if invitation_id is not None:
        rows = Invitation.objects.filter(pk=invitation_id, uses_left__lt=F("uses"))
        rows.update(uses_left=F("uses_left") + 1)


final("Withdraw the invitation instead.", "make_invitation")
final("Make a new invitation: the link of this one is gone.", "withdraw_invitation")
