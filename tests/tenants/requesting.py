"""What tests of requests share: asking, the links in mails, pressing their buttons."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tenants.actions import requests
from tenants.actor import Actor
from tenants.models import AddressRequest, Domain, OutgoingMail
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH

STRANGER = Actor(ip="192.0.2.7")


def body_of_newest_mail(recipient: str) -> str:
    mail = OutgoingMail.objects.filter(recipient=recipient).latest("pk")
    assert mail.sealed_body is not None
    return Opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body))


def token_in_mail(recipient: str, page: str) -> str:
    """The token in the link to `page` of the newest mail."""
    body = body_of_newest_mail(recipient)
    found = re.search(rf"https?://\S+/{page}/([\w-]{{43}})\n", body)
    assert found, body
    return found.group(1)


def ask(domain: Domain, local_part: str = "grace", target: str = "", **extra: Any) -> AddressRequest:
    return requests.submit_request(
        actor=STRANGER,
        domain=domain,
        local_part=local_part,
        target=target or f"{local_part}@harbour.example",
        password_hash=HASH,
        **extra,
    ).request


def ask_and_confirm(
    domain: Domain, local_part: str = "grace", target: str = "", **extra: Any
) -> AddressRequest:
    request = ask(domain, local_part, target, **extra)
    return requests.confirm_request(
        actor=STRANGER, confirm_token=token_in_mail(request.target, "asked/confirm")
    )


def made_longer_ago(request: AddressRequest, days: float, *columns: str) -> None:
    """Move the times of a request into the past."""
    row = AddressRequest.objects.get(pk=request.pk)
    for name in columns or ("confirmed_at", "remind_at", "decide_by", "reminded_at"):
        at = getattr(row, name)
        if at is not None:
            setattr(row, name, at - timedelta(days=days))
    row.save()


def in_days(days: float) -> Any:
    return timezone.now() + timedelta(days=days)
