"""Addresses that end by themselves: setting the date, moving it on, reminding people, and the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import access
from tenants.actions.alias_rules import latest_end, require_rules
from tenants.actions.audit import record
from tenants.actions.mailboxes import put_into_trash, restore_mailbox
from tenants.actions.notices import About, Letter, notify
from tenants.actions.reversals import final, mailbox_now, mailbox_of, undoable
from tenants.actions.targets import lock_in_use
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Forbidden
from tenants.formats.ends import check_end, in_words, last_day
from tenants.models import Account, AliasRules, Mailbox, Membership
from tenants.notices import ADDRESSES_END, OWN_ADDRESS_ENDS

# How long one press of “Extend” lasts where no rule says otherwise.
EXTEND_DAYS = 90
REMIND_BEFORE = timedelta(days=7)
# How many addresses end, and of how many people are reminded, in one look.
AT_ONCE = 200
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
        _tell_holder(mailbox, people)
        if mailbox.made_for_id is None or not people:
            for_team.append(mailbox)
    if for_team:
        _tell_team(for_team)
    Mailbox.objects.filter(pk__in=[each.pk for each in found]).update(expiry_told_at=timezone.now())
    return len(found)


def _tell_holder(mailbox: Mailbox, people: Sequence[Account]) -> None:
    values = {
        "mailbox": mailbox,
        "domain": mailbox.domain,
        "until": _day_of(mailbox),
        "page": f"{settings.BASE_URL}{_page_of(mailbox)}",
    }

    def line() -> str:
        return _("%(mailbox)s lasts until %(until)s") % values

    def mail(_account: Account) -> Letter:
        if mailbox.made_for_id is not None:
            how = _("Open this page and press “Extend” if you still need it:\n\n%(page)s\n\n") % values
        else:
            how = _("If you still need it, ask the people who run %(domain)s in time.\n\n") % values
        body = _(
            "Hello,\n\n%(mailbox)s lasts until %(until)s; afterwards it gets no mail. %(how)sIf you do"
            " nothing, it ends; it stays in the trash for a while."
        )
        return Letter(line(), body % {**values, "how": how})

    about = About(_page_of(mailbox), thing=mailbox, domain=mailbox.domain)
    notify(OWN_ADDRESS_ENDS, about, line=line, mail=mail, people=people)


def _tell_team(rows: Sequence[Mailbox]) -> None:
    domain = rows[0].domain
    values = {"count": len(rows), "first": rows[0], "domain": domain}

    def line() -> str:
        return (
            ngettext("%(first)s ends soon", "%(count)d addresses of %(domain)s end soon", len(rows)) % values
        )

    def mail(_account: Account) -> Letter:
        lines = "\n".join(
            _("%(address)s, after %(day)s") % {"address": each, "day": _day_of(each)}
            + f"\n  {settings.BASE_URL}{_page_of(each)}"
            for each in rows
        )
        body = _(
            "Hello,\n\n%(what)s: no mail arrives from then on. What is still needed can be extended on its"
            " page:\n\n%(lines)s\n"
        )
        return Letter(line(), body % {"what": line(), "lines": lines})

    one = len(rows) == 1
    path = _page_of(rows[0]) if one else f"/d/{domain}/addresses"
    about = About(path, thing=rows[0] if one else domain, domain=domain)
    notify(ADDRESSES_END, about, line=line, mail=mail)


def _day_of(mailbox: Mailbox) -> str:
    return date_format(last_day(mailbox.expires_at or timezone.now()), "j F Y")


def _page_of(mailbox: Mailbox) -> str:
    return f"/d/{mailbox.domain.name}/addresses/{mailbox.local_part}/expiry"


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
