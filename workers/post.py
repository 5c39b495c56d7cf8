"""Sending the mails that the panel owes. Each is claimed by compare-and-set, so that it is sent once."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.db.models.functions import Now

from tenants.formats.text import printable
from tenants.models import OutgoingMail
from tenants.secrets import Purpose
from workers.assembly import opener
from workers.outcome import Backoff

log = logging.getLogger(__name__)
CLAIM = timedelta(seconds=60)
TRIES = 12


def deliver(mail_id: int) -> bool:
    """Send one mail if nobody else does; True when it went out.

    The claim is taken before the first byte and not given back: a worker that dies between sending and
    recording leaves a second copy after a minute, which is better than none.
    """
    row = OutgoingMail.objects.filter(pk=mail_id, sent_at=None, given_up_at=None)
    if not row.filter(claimed_until__lt=Now()).update(claimed_until=Now() + CLAIM):
        return False
    mail = OutgoingMail.objects.get(pk=mail_id)
    if mail.sealed_body is None:
        row.update(given_up_at=Now(), problem="The body is gone.")
        return False
    body = opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body))
    message = EmailMessage(
        mail.subject,
        body,
        settings.DEFAULT_FROM_EMAIL,
        [mail.recipient],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        _failed(mail, error)
        return False
    row.update(sent_at=Now(), sealed_body=None, problem="")
    return True


def _failed(mail: OutgoingMail, error: Exception) -> None:
    refused = isinstance(error, SMTPRecipientsRefused) or (
        isinstance(error, SMTPResponseException) and 500 <= error.smtp_code < 600
    )
    problem = printable(f"{type(error).__name__}: {error}", 300)
    log.warning("mail %s was not sent: %s", mail.pk, type(error).__name__)
    rows = OutgoingMail.objects.filter(pk=mail.pk)
    if refused or mail.failures + 1 >= TRIES:
        rows.update(given_up_at=Now(), sealed_body=None, problem=problem, failures=F("failures") + 1)
        return
    rows.update(
        failures=F("failures") + 1,
        problem=problem,
        claimed_until=Now(),
        next_try_at=Now() + Backoff().delay(mail.failures + 1),
    )
