"""Limits of public pages, counted in the database so that every web process agrees."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from tenants.errors import TooMany
from tenants.models import Allowance


@dataclass(frozen=True)
class Limit:
    name: str
    count: int
    window: timedelta
    sentence: str


REQUESTS_PER_NETWORK = Limit(
    "requests-network", 10, timedelta(hours=1), "Too many requests came from your network."
)
REQUESTS_PER_TARGET = Limit(
    "requests-target", 3, timedelta(hours=24), "This address was asked to confirm several times today."
)
REQUESTS_PER_DOMAIN = Limit(
    "requests-domain", 200, timedelta(hours=24), "This domain got very many requests today."
)
LINKS_PER_NETWORK = Limit(
    "links-network", 20, timedelta(hours=1), "Too many sign-in links were asked for from your network."
)
LINKS_PER_ADDRESS = Limit(
    "links-address", 5, timedelta(hours=1), "Several sign-in links were sent to this address already."
)
PASSWORDS_PER_NETWORK = Limit(
    "passwords-network", 30, timedelta(hours=1), "Too many wrong passwords came from your network."
)
PASSWORDS_PER_ACCOUNT = Limit(
    "passwords-account", 10, timedelta(hours=1), "Too many wrong passwords for this account."
)
CODES_PER_ACCOUNT = Limit(
    "codes-account", 10, timedelta(hours=1), "Too many wrong codes were typed for this account."
)
PASSKEYS_PER_NETWORK = Limit(
    "passkeys-network", 60, timedelta(hours=1), "Very many sign-ins by passkey were begun in your network."
)
# Its person was told that somebody guesses codes.
GUESSING_TOLD = Limit("codes-told", 1, timedelta(hours=24), "")
CONFIRMATIONS_PER_TARGET = Limit(
    "confirmations-target", 5, timedelta(hours=1), "This address was asked several times to confirm already."
)
DECISIONS_PER_NETWORK = Limit(
    "decisions-network", 60, timedelta(hours=1), "Too many decisions came from your network."
)
INVITATIONS_PER_DOMAIN = Limit(
    "invitations-domain", 200, timedelta(hours=24), "Very many invitations were mailed for this domain today."
)
TEST_MAILS_PER_MAILBOX = Limit(
    "test-mails", 5, timedelta(hours=1), "Several test mails were sent to this address already."
)

QUESTIONS_PER_ORGANIZATION = Limit(
    "questions-organization",
    20_000,
    timedelta(hours=24),
    "Very many people were asked today whether they want this organization's mail.",
)

# A wrong password that was tried already; the count has no meaning.
WRONG_PASSWORD = Limit("passwords-wrong", 1, timedelta(hours=1), "")

Use = tuple[Limit, str]


def network_of(ip: str | None) -> str:
    """The client's network: /24 for IPv4, /64 for IPv6, one bucket for the unknown."""
    if not ip:
        return "unknown"
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    prefix = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def _key(limit: Limit, subject: str) -> str:
    return f"{limit.name}:{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def spend(limit: Limit, subject: str) -> None:
    """Count one use of `limit` by `subject`; raises TooMany when the window is used up.

    The count is one conditional update in a transaction of its own kind: it stays counted when the
    caller's transaction is rolled back only if the caller calls this before opening it.
    """
    if _count(limit, subject):
        return
    now = timezone.now()
    row = Allowance.objects.filter(key=_key(limit, subject)).first()
    wait = max(1, int((row.since + limit.window - now).total_seconds())) if row else 1
    raise TooMany(f"{limit.sentence} Try again {in_words(wait)}.", wait)


def spend_many(limit: Limit, subject: str, amount: int) -> None:
    """Count `amount` uses at once, inside of the caller's transaction; TooMany when they do not fit."""
    key, now = _key(limit, subject), timezone.now()
    row, _ = Allowance.objects.get_or_create(key=key, defaults={"since": now, "used": 0})
    if row.since <= now - limit.window:
        Allowance.objects.filter(pk=row.pk, since=row.since).update(since=now, used=0)
    fits = Allowance.objects.filter(pk=row.pk, used__lte=limit.count - amount)
    if not fits.update(used=F("used") + amount):
        wait = max(1, int((row.since + limit.window - now).total_seconds()))
        raise TooMany(f"{limit.sentence} Try again {in_words(wait)}.", wait)


def spend_all(*uses: Use) -> None:
    """Count one use of each limit, or of none when one of them is used up (TooMany)."""
    for index, (limit, subject) in enumerate(uses):
        try:
            spend(limit, subject)
        except TooMany:
            give_back(*uses[:index])
            raise


def give_back(*uses: Use) -> None:
    """Take back what `spend` counted, where it turned out to be no use of the limit."""
    for limit, subject in uses:
        rows = Allowance.objects.filter(key=_key(limit, subject), since__gt=timezone.now() - limit.window)
        rows.filter(used__gt=0).update(used=F("used") - 1)


def was_spent(limit: Limit, subject: str) -> bool:
    """Has `subject` nothing left of `limit`?"""
    rows = Allowance.objects.filter(key=_key(limit, subject), since__gt=timezone.now() - limit.window)
    return rows.filter(used__gte=limit.count).exists()


def _count(limit: Limit, subject: str) -> bool:
    key, now = _key(limit, subject), timezone.now()
    started = now - limit.window
    rows = Allowance.objects.filter(key=key)
    if rows.filter(since__lte=started).update(since=now, used=1):
        return True
    if rows.filter(since__gt=started, used__lt=limit.count).update(used=F("used") + 1):
        return True
    # Another may have made the row since: only a row that is full refuses.
    if rows.filter(since__gt=started, used__gte=limit.count).exists():
        return False
    try:
        with transaction.atomic():
            Allowance.objects.create(key=key, since=now, used=1)
    except IntegrityError:
        return _count(limit, subject)
    return True


def in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    if minutes <= 1:
        return "in a minute"
    if minutes < 120:
        return f"in {minutes} minutes"
    return f"in {-(-minutes // 60)} hours"
