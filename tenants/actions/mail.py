"""Owing somebody a mail: a row in the same transaction, sent by a worker afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from tenants import outbox
from tenants.models import Account, OutgoingMail
from tenants.secrets import Purpose, seal

_AT_ONCE = 500
_HINTED = 20  # the sweep finds the others
SIGNATURE = "\n\n-- \nRookery, {url}\n"


def owe_mail(*, recipient: str, subject: str, body: str) -> OutgoingMail:
    """Queue a plain-text mail. The body may carry one-time links, so it is sealed until it is sent.

    A program reads no mail: what would be for one is not kept.
    """
    row = unsaved_mail(recipient=recipient, subject=subject, body=body)
    if _is_for_a_program(row):
        return row
    row.save()
    outbox.hint_on_commit("deliver_mail", row.pk, "mail")
    return row


def unsaved_mail(*, recipient: str, subject: str, body: str) -> OutgoingMail:
    return OutgoingMail(
        recipient=recipient,
        subject=subject[:200],
        sealed_body=seal(Purpose.MAIL_BODY, body.strip() + SIGNATURE.format(url=settings.BASE_URL)),
        created_at=timezone.now(),
    )


def _is_for_a_program(mail: OutgoingMail) -> bool:
    return mail.recipient.endswith(f"@{Account.SERVICES}")


def owe_many(mails: Sequence[OutgoingMail], *, a_minute: int) -> None:
    """Queue many mails, some each minute, so that nobody's mail server takes us for a spammer and other
    mails need not wait behind them."""
    now = timezone.now()
    mails = [mail for mail in mails if not _is_for_a_program(mail)]
    for number, mail in enumerate(mails):
        mail.next_try_at = now + timedelta(minutes=number // a_minute)
    OutgoingMail.objects.bulk_create(mails, batch_size=_AT_ONCE)
    for mail in mails[: min(a_minute, _HINTED)]:
        outbox.hint_on_commit("deliver_mail", mail.pk, "mail")
