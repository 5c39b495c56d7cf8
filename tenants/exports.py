"""Rows → what leaves as a table: read in parts, so that any number of addresses fits into memory."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from tenants.formats.address_export import Exported
from tenants.models import Domain, Mailbox, TargetAddress

_AT_ONCE = 500


def exported(mailboxes: QuerySet[Mailbox], domain: Domain) -> Iterator[Exported]:
    """Those of `mailboxes` (of `domain`) that are in use, by name; two queries for each part."""
    rows = mailboxes.filter(domain=domain, trashed_at=None).order_by("local_part")
    columns = ("pk", "local_part", "kind", "note", "enabled")
    after = ""
    while True:
        part = list(rows.filter(local_part__gt=after).values_list(*columns)[:_AT_ONCE])
        targets = _targets([row[0] for row in part])
        for pk, local_part, kind, note, enabled in part:
            yield Exported(f"{local_part}@{domain.name}", kind, targets.get(pk, []), note, enabled)
        if len(part) < _AT_ONCE:
            return
        after = part[-1][1]


def _targets(mailbox_ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = TargetAddress.objects.filter(mailbox__in=mailbox_ids).order_by("pk")
    for mailbox_id, address in rows.values_list("mailbox_id", "address"):
        found.setdefault(mailbox_id, []).append(address)
    return found
