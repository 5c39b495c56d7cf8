"""A test mail to an address, so that its holder sees that mail arrives."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from tenants import access, limits
from tenants.actions.audit import record
from tenants.actions.mail import owe_mail
from tenants.actions.marks import relay_target
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.models import Condition, Mailbox, OutgoingMail


def send_test_mail(*, actor: Actor, mailbox: Mailbox) -> OutgoingMail:
    """Owe a mail to the address itself: it takes the way of every letter, through relay to the targets.

    Raises Conflict while the mail server does not serve the address as it is here, since the test would
    then say nothing; TooMany after several in an hour.
    """
    access.require(actor, access.Verb.CHANGE, mailbox)
    _require_served(mailbox)
    limits.spend(limits.TEST_MAILS_PER_MAILBOX, str(mailbox.pk))
    with transaction.atomic():
        row = owe_mail(
            recipient=str(mailbox),
            subject=_("A test for %(mailbox)s") % {"mailbox": mailbox},
            body=(
                _(
                    "Hello,\n\nthis is the test mail that %(actor)s asked for. It was sent to "
                    "%(mailbox)s, the mail server took it and sent it on to you. So mail to this "
                    "address arrives."
                )
                % {"actor": actor, "mailbox": mailbox}
            ),
        )
        record(
            actor,
            "send_test_mail",
            mailbox,
            f"A test mail was sent to {mailbox}.",
            mailbox=mailbox,
        )
    return row


def _require_served(mailbox: Mailbox) -> None:
    if mailbox.trashed_at is not None or not mailbox.enabled:
        raise Conflict(f"{mailbox} is switched off, so no mail would arrive. Switch it on first.")
    if not mailbox.targets.filter(confirmed_at__isnull=False).exists():
        raise Conflict(f"Nobody has confirmed yet to get the mail of {mailbox}. Confirm a target first.")
    target = relay_target(mailbox.domain)
    if target is None:
        raise Conflict(f"{mailbox.domain} has no mail server yet. Ask its owner to connect one.")
    waits = target.conditions.filter(type=Condition.Type.RELOAD_PENDING, status=True).exists()
    if target.observed_generation < mailbox.generation or waits:
        raise Conflict(
            f"The last change of {mailbox} has not arrived at the mail server. Try again when it has."
        )


final("A mail cannot be called back.", "send_test_mail")
