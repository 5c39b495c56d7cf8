"""Which addresses of one organization have the same passphrase, found without telling anybody what it is.

Hashes are sealed, so only a worker can compare them. It keeps a digest of each under a key that only workers
can derive: whoever reads the database learns which addresses of one organization are alike, and cannot try
passphrases against it. The organization is part of what is digested, so nothing is told across two of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.db.models import F, QuerySet

from tenants.actions.likeness import note_likeness
from tenants.actor import Actor
from tenants.models import Mailbox
from tenants.secrets import CannotOpen, Opener, Purpose

AT_ONCE = 500
Likeness = Callable[[int, str], str]


def likeness_by(marks: str) -> Likeness:
    """(organization, hash) → 32 hex digits, by a key derived from what workers mark by (BLAKE2b, keyed)."""
    key = hashlib.blake2b(marks.encode(), person=b"rookery-likeness", digest_size=64).digest()

    def likeness(organization_id: int, password_hash: str) -> str:
        about = f"{organization_id}\0{password_hash}".encode()
        return hashlib.blake2b(about, key=key, digest_size=16).hexdigest()

    return likeness


def waiting() -> QuerySet[Mailbox]:
    """Addresses that changed since they were compared."""
    return Mailbox.objects.filter(likened_at__lt=F("changed_at"))


def compare(opener: Opener, *, most: int = AT_ONCE) -> int:
    """Compare some of those that wait; returns how many there were."""
    likeness = likeness_by(settings.WORKERS_MARKS)
    rows = list(waiting().select_related("domain").order_by("changed_at")[:most])
    for row in rows:
        found = ""
        if row.sealed_hash is not None and row.trashed_at is None:
            try:
                clear = opener.open(Purpose.MAILBOX_HASH, bytes(row.sealed_hash))
                found = likeness(row.domain.organization_id, clear)
            except CannotOpen:
                found = ""  # the pass that has to write it says so
        note_likeness(actor=Actor.rookery(), mailbox=row, likeness=found)
    return len(rows)
