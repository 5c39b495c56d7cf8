"""Who holds an address: letting a person in, letting one go, handing it over, and a person's own note.

Only the domain's team lets people in. An owner decided who has the address, and somebody who holds it could
otherwise pass it on; whoever wants to share its mail adds a target.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access
from tenants.actions.accounts import account_for, first_link
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.mail import owe_mail
from tenants.actions.marks import mark_mailbox
from tenants.actions.reversals import final
from tenants.actions.targets import add_target_rows, check_target_list, lock_in_use
from tenants.actor import Actor
from tenants.errors import Absent, Checks, Conflict, Forbidden, Invalid, Problem
from tenants.formats.addresses import check_target
from tenants.formats.text import check_text
from tenants.models import Account, Holding, Mailbox

MAX_HOLDERS = 20


@transaction.atomic
def add_holder(*, actor: Actor, mailbox: Mailbox, email: str) -> Holding:
    """Let another person hold the address, with the same rights as those who hold it already.

    They get a mail with a one-time link. Their account is made if there is none.
    """
    access.require(actor, access.Verb.MANAGE, mailbox)
    access.require_rank(actor, mailbox)
    email = _checked(email)
    lock_in_use(mailbox)
    before = _emails(mailbox)
    if email in before:
        raise Invalid.of("email", f"{email} holds {mailbox} already.", "Choose another person.")
    if len(before) >= MAX_HOLDERS:
        raise Conflict(f"{MAX_HOLDERS} people hold {mailbox}. Let one go first.")
    account = _held_account(email)
    row = Holding.objects.create(mailbox=mailbox, account=account, since=timezone.now())
    record(
        actor,
        "add_holder",
        mailbox,
        f"{email} holds {mailbox} now.",
        mailbox=mailbox,
        before={"holders": before},
        after={"holders": [*before, email]},
    )
    _welcome(
        account,
        mailbox,
        _("%(actor)s gave you a say over %(mailbox)s") % {"actor": actor, "mailbox": mailbox},
    )
    return row


@transaction.atomic
def remove_holder(*, actor: Actor, mailbox: Mailbox, email: str) -> None:
    """Let a person go from an address; anybody may go by themselves.

    The last one goes by themselves only once the address is switched off: else mail would flow on by the
    wish of somebody who does not answer for it any more. The domain's team needs no such step: it answers.
    """
    email = email.strip().lower()
    leaves = actor.account is not None and actor.account.email == email and access.holds(actor, mailbox)
    access.require(actor, access.Verb.CHANGE if leaves else access.Verb.MANAGE, mailbox)
    if not leaves:
        access.require_rank(actor, mailbox)
    lock_in_use(mailbox)
    before = _emails(mailbox)
    row = mailbox.holdings.filter(account__email=email).select_related("account").first()
    if row is None:
        raise Absent
    if before == [email] and mailbox.enabled and not access.is_team(actor, mailbox):
        raise Conflict(
            f"Nobody else holds {mailbox}, and its mail would go on as you set it. Switch it off first, or"
            " delete it."
        )
    row.delete()
    record(
        actor,
        "remove_holder",
        mailbox,
        f"{email} left {mailbox}." if leaves else f"{email} does not hold {mailbox} any more.",
        mailbox=mailbox,
        before={"holders": before},
        after={"holders": [each for each in before if each != email]},
    )
    if not leaves:
        _tell_gone(
            [row.account],
            mailbox,
            _("%(actor)s ended that you hold %(mailbox)s.") % {"actor": actor, "mailbox": mailbox},
        )


@transaction.atomic
def hand_over(*, actor: Actor, mailbox: Mailbox, email: str, keep_targets: bool = False) -> Mailbox:
    """Give an address to another person; those who held it so far leave.

    Nobody knows a passphrase for it until the new person chose one, and its mail goes to them, once they
    confirmed that. With `keep_targets` it goes on to whom it went: for the address of an office.
    """
    access.require(actor, access.Verb.MANAGE, mailbox)
    access.require_rank(actor, mailbox)
    email = _checked(email)
    if not keep_targets:
        _require_target(mailbox, email)
    lock_in_use(mailbox)
    before = {"holders": _emails(mailbox), "targets": _targets(mailbox)}
    if before["holders"] == [email]:
        raise Invalid.of("email", f"{email} holds {mailbox} already.", "Choose another person.")
    account = _held_account(email)
    gone = [row.account for row in mailbox.holdings.select_related("account").exclude(account=account)]
    mailbox.holdings.exclude(account=account).delete()
    Holding.objects.get_or_create(mailbox=mailbox, account=account, defaults={"since": timezone.now()})
    mailbox.sealed_hash, mailbox.kind = None, Mailbox.Kind.ALIAS
    mailbox.save(update_fields=["sealed_hash", "kind"])
    if not keep_targets:
        mailbox.targets.exclude(address=email).delete()
        if not mailbox.targets.exists():
            add_target_rows(actor, mailbox, [email])
    target = mark_mailbox(mailbox)
    record(
        actor,
        "hand_over",
        mailbox,
        f"{mailbox} was handed over to {email}.",
        mailbox=mailbox,
        target=target,
        before=before,
        after={"holders": [email], "targets": _targets(mailbox), "passphrase": "none"},
    )
    _welcome(
        account, mailbox, _("%(actor)s handed %(mailbox)s over to you") % {"actor": actor, "mailbox": mailbox}
    )
    _tell_gone(
        gone,
        mailbox,
        _("%(actor)s handed %(mailbox)s over to somebody else.") % {"actor": actor, "mailbox": mailbox},
    )
    return mailbox


@transaction.atomic
def change_own_note(*, actor: Actor, mailbox: Mailbox, note: str) -> Holding:
    """Write what the actor wants to remember about an address that they hold; nobody else reads it."""
    access.require(actor, access.Verb.CHANGE, mailbox)
    with Checks() as checks:
        note = check_text(note, field="note", maximum=200) if note else ""
    checks.finish()
    row = mailbox.holdings.filter(account=actor.account).first() if actor.account else None
    if row is None:
        raise Forbidden(f"You do not hold {mailbox}, so you have no note of your own about it.")
    lock(row)
    if row.note != note:
        row.note = note
        row.save(update_fields=["note"])
        # What it says is nobody else's business, so the log does not have it either.
        record(
            actor,
            "change_own_note",
            mailbox,
            f"{actor} changed a note of their own about {mailbox}.",
            mailbox=mailbox,
            before={"own_note": "hidden"},
            after={"own_note": "changed"},
        )
    return row


def _checked(email: str) -> str:
    with Checks() as checks:
        email = check_target(email, field="email").lower()
    checks.finish()
    return email


def _held_account(email: str) -> Account:
    """The person's account, which cannot be deleted meanwhile."""
    account = account_for(email)
    lock(account)
    return account


def _require_target(mailbox: Mailbox, email: str) -> None:
    """Can the mail of the address go to that person?"""
    checks = Checks()
    with checks:
        check_target_list([email], mailbox.domain)
    checks.problems = [
        Problem("email", each.problem, "Choose another address of theirs, or keep who gets the mail.")
        for each in checks.problems
    ]
    checks.finish()


def _emails(mailbox: Mailbox) -> list[str]:
    rows = mailbox.holdings.order_by("since", "pk")
    return list(rows.values_list("account__email", flat=True))


def _targets(mailbox: Mailbox) -> list[str]:
    return list(mailbox.targets.order_by("pk").values_list("address", flat=True))


def _welcome(account: Account, mailbox: Mailbox, what: str) -> None:
    owe_mail(
        recipient=account.email,
        subject=_("You hold %(mailbox)s now") % {"mailbox": mailbox},
        body=(
            _(
                "Hello,\n\n%(what)s. You decide who gets its mail, choose its passphrase, and "
                "switch it off and on. Open this page and press the button to sign "
                "in:\n\n%(link)s\n\nThe link works once, for a day. Later, ask for another "
                "one:\n\n%(panel)s/sign-in"
            )
            % {"what": what, "link": first_link(account), "panel": settings.BASE_URL}
        ),
    )


def _tell_gone(accounts: Iterable[Account], mailbox: Mailbox, what: str) -> None:
    for account in accounts:
        if account.is_active:
            owe_mail(
                recipient=account.email,
                subject=_("You do not hold %(mailbox)s any more") % {"mailbox": mailbox},
                body=(
                    _(
                        "Hello,\n\n%(what)s You cannot change it any more.\n\nHow you sign in is as it "
                        "was: your other addresses, the browsers where you are signed in and your keys "
                        "for programs are untouched.\n\n%(panel)s/account"
                    )
                    % {"what": what, "panel": settings.BASE_URL}
                ),
            )


final("Let the person go again, or in again, on the page of the address.", "add_holder", "remove_holder")
final("Whoever holds it now can hand it over again.", "hand_over")
final("It is a note of one's own; write it again.", "change_own_note")
