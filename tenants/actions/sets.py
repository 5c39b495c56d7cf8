"""Changing a set of addresses as one action: one transaction, one mark, each member by its own action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from tenants import access
from tenants.actions.audit import record_all
from tenants.actions.gathering import AT_ONCE, Gathered, batched, gathered
from tenants.actions.marks import mark_mailboxes
from tenants.actions.questions import ask_all
from tenants.actions.quotas import give_back_gathered
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import Domain, FormerPassphrase, Mailbox

_DIGEST = re.compile("[0-9a-f]{64}")


@contextmanager
def one_set(actor: Actor, domain: Domain, *, rehearse: bool = False) -> Iterator[Gathered]:
    """Run actions on addresses of `domain`. When the block ends, what they gathered is written: one mark,
    the events, and one mail for each person who is asked.

    With `rehearse` everything is taken back instead: read what it would do inside of the block.
    """
    with transaction.atomic():
        with access.asking_once(), gathered() as found:
            yield found
        if rehearse:
            transaction.set_rollback(True)
        else:
            _write(actor, domain, found)


def check_digest(digest: str | None) -> None:
    """Raise Invalid for what no rehearsal can have given."""
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise Invalid.of("preview", "This names no preview.", "Take it from a dry run.")


def _write(actor: Actor, domain: Domain, found: Gathered) -> None:
    """Last in the transaction: sync targets are locked after everything else."""
    _save_kept(found)
    give_back_gathered(found)
    found.generation = _mark(found)
    for event in found.events:
        if event.sync_target_id is not None:
            event.generation = found.generation
    record_all(found.events)
    FormerPassphrase.objects.bulk_create(found.former, batch_size=AT_ONCE)
    ask_all(actor, domain, found.questions)


def _save_kept(found: Gathered) -> None:
    """Rows that got the same values are one write."""
    rows = {mailbox.pk: mailbox for mailbox, _ in found.kept}
    fields: dict[int, dict[str, None]] = {}
    for mailbox, names in found.kept:
        fields.setdefault(mailbox.pk, {}).update(dict.fromkeys(names))
    alike: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for pk, columns in fields.items():
        values = tuple((name, getattr(rows[pk], name)) for name in sorted(columns))
        alike.setdefault(values, []).append(pk)
    for values, ids in alike.items():
        for some in batched(ids):
            Mailbox.objects.filter(pk__in=some).update(**dict(values))


def _mark(found: Gathered) -> int:
    target = next((each for each in found.relays.values() if each is not None), None)
    return mark_mailboxes([*{mailbox.pk for mailbox in found.changed}], target)
