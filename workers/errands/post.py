"""Sending the mails that the panel owes. Each is claimed by compare-and-set, so that it is sent once."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPResponseException
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from tenants.formats.text import printable
from tenants.models import OutgoingMail
from tenants.secrets import CannotOpen, Purpose
from workers.assembly import opener
from workers.outcome import Backoff

log = logging.getLogger(__name__)
# Longer than one task may take (workers/celery.py), so that a slow server does not get two copies.
CLAIM = timedelta(seconds=120)
GIVE_UP_AFTER = timedelta(days=2)
BACKOFF = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=30))
# Servers quote what they dislike; a link in it still signs in.
_LONG_WORD = re.compile(r"[A-Za-z0-9_+/=-]{16,}")


def deliver(mail_id: int, *, clock: Callable[[], datetime] = timezone.now) -> bool:
    """Send one mail if nobody else does; True when it went out.

    The claim is taken before the first byte and not given back: a worker that dies between sending and
    recording leaves a second copy (with the same Message-ID) after two minutes, which is better than none.
    """
    row = OutgoingMail.objects.filter(pk=mail_id, sent_at=None, given_up_at=None)
    if not row.filter(claimed_until__lt=Now(), next_try_at__lte=Now()).update(claimed_until=Now() + CLAIM):
        return False
    mail = OutgoingMail.objects.get(pk=mail_id)
    if mail.sealed_body is None:
        row.update(given_up_at=Now(), problem="The body is gone.")
        return False
    try:
        _message(mail, opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body))).send()
    except Exception as error:
        # Whatever it is, the mail must neither be lost nor be tried without end.
        _failed(mail, row, error, clock())
        return False
    row.update(sent_at=Now(), sealed_body=None, problem="")
    return True


def _message(mail: OutgoingMail, body: str) -> EmailMessage:
    # The same for every copy, so that mail programs show one.
    identity = f"<{mail.created_at:%Y%m%d%H%M%S}.{mail.pk}@{urlsplit(settings.BASE_URL).hostname}>"
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": identity}
    return EmailMessage(mail.subject, body, settings.DEFAULT_FROM_EMAIL, [mail.recipient], headers=headers)


def _failed(mail: OutgoingMail, row: QuerySet[OutgoingMail], error: Exception, now: datetime) -> None:
    problem = _problem(error)
    expected = isinstance(error, (SMTPException, OSError, CannotOpen))
    log.log(
        logging.WARNING if expected else logging.ERROR,
        "mail %s was not sent: %s",
        mail.pk,
        type(error).__name__,
    )
    row.update(failures=F("failures") + 1, problem=problem)
    if _is_final(error) or now - mail.created_at > GIVE_UP_AFTER:
        row.update(given_up_at=Now(), sealed_body=None)
    else:
        row.update(claimed_until=Now(), next_try_at=Now() + BACKOFF.delay(mail.failures + 1))


def _is_final(error: Exception) -> bool:
    """Does the server refuse this recipient or this text for good (RFC 5321, 4.2.1: 5yz)?

    Whatever else it refuses, like our password, is the same for every mail and can be put right meanwhile.
    """
    if isinstance(error, SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, SMTPDataError) and 500 <= error.smtp_code < 600


def _problem(error: Exception) -> str:
    """What a person may read of it: the server's words without anything as long as a one-time link."""
    if isinstance(error, SMTPRecipientsRefused):
        answers = [f"{code} {_words(said)}" for code, said in error.recipients.values()]
        text = f"The recipient was refused: {'; '.join(answers)}"
    elif isinstance(error, SMTPResponseException):
        text = f"The mail server said: {error.smtp_code} {_words(error.smtp_error)}"
    elif isinstance(error, CannotOpen):
        text = str(error)
    elif isinstance(error, OSError):
        text = f"The mail server cannot be reached: {error.strerror or type(error).__name__}"
    else:
        text = f"It could not be sent: {type(error).__name__}"
    return printable(text, 300)


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return _LONG_WORD.sub("***", text)
