"""Addresses that end by themselves: setting the date, moving it on, reminding people, and the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import access
from tenants.actions.alias_rules import latest_end, require_rules
from tenants.actions.audit import record
from tenants.actions.mail import owe_mail
from tenants.actions.mailboxes import put_into_trash, restore_mailbox
from tenants.actions.reversals import final, mailbox_now, mailbox_of, undoable
from tenants.actions.targets import lock_in_use
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden
from tenants.formats.ends import check_end, in_words
from tenants.models import AliasRules, Mailbox, Membership

# How long one press of “Extend” lasts where no rule says otherwise.
EXTEND_DAYS = 90
REMIND_BEFORE = timedelta(days=7)
# How many addresses end, and of how many people are reminded, in one look.
AT_ONCE = 200
MOST_OF_A_TEAM = 20
Role = Membership.Role


@transaction.atomic
def change_expiry(*, actor: Actor, mailbox: Mailbox, expires_at: datetime | None) -> Mailbox:
    """Set when an address ends by itself, or with None that it does not. Nothing changes outside before."""
    access.require(actor, access.Verb.MANAGE, mailbox)
    rules = require_rules(actor, mailbox)
    with Checks() as checks:
        expires_at = check_end(expires_at, now=timezone.now())
    checks.finish()
    if rules is not None:
        expires_at = latest_end(rules, expires_at)
    lock_in_use(mailbox)
    if expires_at != mailbox.expires_at:
        _set_end(actor, mailbox, expires_at, "change_expiry")
    return mailbox


@transaction.atomic
def extend_address(*, actor: Actor, mailbox: Mailbox) -> Mailbox:
    """Let an address that ends last longer: as long from now as the rules say, otherwise EXTEND_DAYS."""
    access.require(actor, access.Verb.MANAGE, mailbox)
    rules = require_rules(actor, mailbox)
    lock_in_use(mailbox)
    if mailbox.expires_at is None:
        raise Conflict(f"{mailbox} does not end by itself; there is nothing to extend.")
    longer = timezone.now() + timedelta(days=extended_by(mailbox, rules))
    if longer <= mailbox.expires_at:
        raise Conflict(f"{mailbox} lasts until {in_words(mailbox.expires_at)} already.")
    _set_end(actor, mailbox, longer, "extend_address")
    return mailbox


def extended_by(mailbox: Mailbox, rules: AliasRules | None = None) -> int:
    """How many days from now “Extend” gives."""
    if rules is None and mailbox.made_for_id:
        rules = AliasRules.objects.filter(domain=mailbox.domain_id).first()
    return (rules.longest_days if rules is not None else None) or EXTEND_DAYS


def _set_end(actor: Actor, mailbox: Mailbox, expires_at: datetime | None, verb: str) -> None:
    before = mailbox.expires_at
    mailbox.expires_at, mailbox.expiry_told_at = expires_at, None
    mailbox.save(update_fields=["expires_at", "expiry_told_at"])
    until = f"lasts until {in_words(expires_at)}" if expires_at else "does not end by itself any more"
    record(
        actor,
        verb,
        mailbox,
        f"{mailbox} {until}.",
        mailbox=mailbox,
        before={"expires_at": before.isoformat() if before else None},
        after={"expires_at": expires_at.isoformat() if expires_at else None},
    )


# By the sweep -----------------------------------------------------------------------------------------


def _require_rookery(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden("Addresses end by themselves; Rookery looks every few seconds.")


def expire_addresses(*, actor: Actor) -> int:
    """Put addresses whose day has come into the trash, the longest due first; returns how many."""
    _require_rookery(actor)
    due = Mailbox.objects.filter(expires_at__lte=timezone.now(), trashed_at=None).order_by("expires_at")
    return sum(_expire_one(actor, pk) for pk in due.values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _expire_one(actor: Actor, pk: int) -> bool:
    rows = Mailbox.objects.select_for_update(of=("self",)).select_related("domain__organization")
    mailbox = rows.filter(pk=pk, expires_at__lte=timezone.now(), trashed_at=None).first()
    if mailbox is None or mailbox.expires_at is None:
        return False
    put_into_trash(
        actor,
        mailbox,
        verb="expire_address",
        sentence=f"{mailbox} ended and was put into the trash.",
        reason=f"It was to last until {in_words(mailbox.expires_at)}.",
    )
    return True


def remind_of_expiry(*, actor: Actor) -> int:
    """Write to people whose addresses end soon, once for each date; returns of how many addresses.

    Whoever may extend an alias of their own gets a mail of their own; the domain's team gets one mail for all
    others that are due now.
    """
    _require_rookery(actor)
    soon = timezone.now() + REMIND_BEFORE
    due = Mailbox.objects.filter(expires_at__lte=soon, expiry_told_at=None, trashed_at=None)
    rows = list(due.order_by("expires_at").values_list("domain_id", "pk")[:AT_ONCE])
    rows.sort()
    return sum(_remind_domain([pk for _, pk in group]) for _, group in groupby(rows, key=lambda row: row[0]))


@transaction.atomic
def _remind_domain(pks: Sequence[int]) -> int:
    rows = Mailbox.objects.select_for_update(of=("self",)).filter(
        pk__in=pks, expiry_told_at=None, trashed_at=None
    )
    found = list(rows.select_related("domain", "made_for").order_by("expires_at"))
    for_team: list[Mailbox] = []
    for mailbox in found:
        people = access.people_who_hold(mailbox)
        for account in people:
            _tell_holder(mailbox, account.email)
        if mailbox.made_for_id is None or not people:
            for_team.append(mailbox)
    if for_team:
        _tell_team(for_team)
    Mailbox.objects.filter(pk__in=[each.pk for each in found]).update(expiry_told_at=timezone.now())
    return len(found)


def _tell_holder(mailbox: Mailbox, email: str) -> None:
    until = in_words(mailbox.expires_at or timezone.now())
    may_extend = mailbox.made_for_id is not None
    how = (
        f"Open this page and press “Extend” if you still need it:\n\n{_page_of(mailbox)}\n\n"
        if may_extend
        else f"If you still need it, ask the people who run {mailbox.domain} in time.\n\n"
    )
    owe_mail(
        recipient=email,
        subject=f"{mailbox} lasts until {until}",
        body=(
            f"Hello,\n\n{mailbox} lasts until {until}; afterwards it gets no mail. {how}"
            "If you do nothing, it ends; it stays in the trash for a while."
        ),
    )


def _tell_team(mailboxes: Iterable[Mailbox]) -> None:
    rows = list(mailboxes)
    domain = rows[0].domain
    lines = "\n".join(
        f"{each}, after {in_words(each.expires_at)}\n  {_page_of(each)}" for each in rows if each.expires_at
    )
    count = f"{len(rows)} addresses of {domain} end" if len(rows) > 1 else f"{rows[0]} ends"
    team = Membership.objects.filter(
        organization=domain.organization_id, role__in=[Role.OWNER, Role.MANAGER], account__is_active=True
    ).order_by("pk")
    for email in team.values_list("account__email", flat=True)[:MOST_OF_A_TEAM]:
        owe_mail(
            recipient=email,
            subject=f"{count} soon",
            body=(
                f"Hello,\n\n{count} soon: no mail arrives from then on. What is still needed can be extended"
                f" on its page:\n\n{lines}\n"
            ),
        )


def _page_of(mailbox: Mailbox) -> str:
    return f"{settings.BASE_URL}/d/{mailbox.domain.name}/addresses/{mailbox.local_part}/expiry"


for _verb in ("change_expiry", "extend_address"):
    undoable(
        _verb,
        find=mailbox_of,
        present=mailbox_now,
        restore=lambda actor, mailbox, event: change_expiry(
            actor=actor, mailbox=mailbox, expires_at=_moment(event.before["expires_at"])
        ),
        told=lambda mailbox, event: f"{mailbox} lasts as long as before.",
        needs=access.Verb.MANAGE,
    )
undoable(
    "expire_address",
    find=mailbox_of,
    present=mailbox_now,
    restore=lambda actor, mailbox, event: restore_mailbox(actor=actor, mailbox=mailbox),
    told=lambda mailbox, event: f"{mailbox} comes back from the trash.",
    needs=access.Verb.DELETE,
)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


final("The reminder was sent by mail.", "remind_of_expiry")
