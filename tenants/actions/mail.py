"""Owing somebody a mail: a row in the same transaction, sent by a worker afterwards."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from tenants import outbox
from tenants.models import OutgoingMail
from tenants.secrets import Purpose, seal

SIGNATURE = "\n\n-- \nRookery, {url}\n"


def owe_mail(*, recipient: str, subject: str, body: str) -> OutgoingMail:
    """Queue a plain-text mail. The body may carry one-time links, so it is sealed until it is sent."""
    row = OutgoingMail.objects.create(
        recipient=recipient,
        subject=subject[:200],
        sealed_body=seal(Purpose.MAIL_BODY, body.strip() + SIGNATURE.format(url=settings.BASE_URL)),
        created_at=timezone.now(),
    )
    outbox.hint_on_commit("deliver_mail", row.pk, "mail")
    return row
