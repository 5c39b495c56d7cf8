"""Idempotency keys: the answer to a write is kept with it, so that asking twice does it once.

The row is made in the transaction of the write. So a crash between commit and answer loses nothing, and a
write that is refused, or rolled back for whatever reason, leaves no row: it may be tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from tenants.errors import Conflict
from tenants.models import Account, ApiToken, StoredAnswer

LIFETIME = timedelta(hours=24)
# How long a second request waits for the first one with the same key (PostgreSQL; SQLite has one writer).
LONGEST_WAIT_MS = 5000
AT_ONCE = 500
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class Question:
    """Who asks what under which key."""

    account: Account
    token: ApiToken | None
    key: str
    fingerprint: str = field(repr=False)


class Answered(Exception):
    """The key was used and its answer is kept; `answer` may be that of another request."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__("this key was used")
        self.answer = answer


def find(question: Question) -> StoredAnswer | None:
    """The answer kept under the key, whatever was asked; nothing after its time."""
    rows = StoredAnswer.objects.filter(key=question.key, expires_at__gt=timezone.now())
    if question.token is not None:
        return rows.filter(token=question.token).first()
    return rows.filter(account=question.account, token=None).first()


def claim(question: Question) -> StoredAnswer:
    """Take the key, inside the transaction of the write; raises Answered when it was used.

    Of two at once the second waits for the first; Conflict when that takes too long.
    """
    StoredAnswer.objects.filter(
        account=question.account, token=question.token, key=question.key, expires_at__lte=timezone.now()
    ).delete()
    try:
        with transaction.atomic():
            _wait_at_most(f"{LONGEST_WAIT_MS}ms")
            row = StoredAnswer.objects.create(
                account=question.account,
                token=question.token,
                key=question.key,
                fingerprint=question.fingerprint,
                expires_at=timezone.now() + LIFETIME,
            )
            _wait_at_most("DEFAULT")
            return row
    except IntegrityError as error:
        kept = find(question)
        if kept is None:
            raise Conflict("The key of this request was used just now. Ask again in a moment.") from error
        raise Answered(kept) from error
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != _LOCK_NOT_AVAILABLE:
            raise
        raise Conflict(
            "Another request with the same Idempotency-Key is still running. Ask again in a moment."
        ) from error


def _wait_at_most(time: str) -> None:
    """Bound waiting for locks from here on, in this transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {time if time == 'DEFAULT' else repr(time)}")


def keep(row: StoredAnswer, *, status: int, body: str, headers: Mapping[str, str]) -> None:
    """Write what is answered; the caller has taken out what is shown once."""
    row.status, row.body, row.headers = status, body, dict(headers)
    row.save(update_fields=["status", "body", "headers"])


def forget_expired() -> int:
    """Drop answers whose time is over, some at once; returns how many."""
    old = StoredAnswer.objects.filter(expires_at__lte=timezone.now()).order_by("expires_at")
    return StoredAnswer.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()[0]
