"""Small helpers of the tests of pages: read mails that are owed, press buttons, sign in."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.conf import settings
from django.test import Client

from tenants.models import Account, Mailbox, OutgoingMail, SyncTarget
from tenants.secrets import Opener, Purpose

BACKEND = "django.contrib.auth.backends.ModelBackend"


def mails_to(address: str) -> list[str]:
    """Bodies of the mails owed to `address`, oldest first, opened as a worker does."""
    opener = Opener()
    rows = OutgoingMail.objects.filter(recipient=address).order_by("pk")
    return [opener.open(Purpose.MAIL_BODY, bytes(row.sealed_body)) for row in rows if row.sealed_body]


def link_in(body: str, below: str) -> str:
    """The path of the only link in a mail that begins with `below`."""
    found = re.findall(re.escape(settings.BASE_URL + below) + r"[A-Za-z0-9_-]+", body)
    assert len(found) == 1, body
    return str(found[0]).removeprefix(settings.BASE_URL)


def signed_in(account: Account | None) -> Client:
    client = Client()
    assert account is not None
    client.force_login(account, backend=BACKEND)
    return client


def text_of(response: Any) -> str:
    """What a person reads: without tags, with single spaces."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


def prove(mailbox: Mailbox) -> SyncTarget:
    """What a worker writes down after the outside was read back and taken up."""
    target = SyncTarget.objects.get(repository__domain=mailbox.domain)
    SyncTarget.objects.filter(pk=target.pk).update(
        observed_generation=target.generation, observed_at=target.marked_at, checked_at=target.marked_at
    )
    target.refresh_from_db()
    return target
