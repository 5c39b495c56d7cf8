"""Changing a set of addresses as one action: one transaction, one mark, each member by its own action."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record_all
from tenants.actions.gathering import Gathered, gathered
from tenants.actions.organizations import give_back_gathered
from tenants.actions.questions import ask_all
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import Domain, Mailbox

AT_ONCE = 500
T = TypeVar("T")
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
        raise Invalid.of("digest", "This is no digest of a rehearsal.", "Take it from a dry run.")


def _write(actor: Actor, domain: Domain, found: Gathered) -> None:
    """Last in the transaction: sync targets are locked after everything else."""
    _save_kept(found)
    give_back_gathered(found)
    found.generation = _mark(found)
    for event in found.events:
        if event.sync_target_id is not None:
            event.generation = found.generation
    record_all(found.events)
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


def batched(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """SQLite takes a bounded number of parameters."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


def _mark(found: Gathered) -> int:
    target = next((each for each in found.relays.values() if each is not None), None)
    changes: dict[str, Any] = {"changed_at": timezone.now()}
    generation = 0
    ids = sorted({mailbox.pk for mailbox in found.changed})
    if target is not None and ids:
        generation = outbox.mark([target])[target.pk]
        changes["generation"] = generation
    for some in batched(ids):
        Mailbox.objects.filter(pk__in=some).update(**changes)
    return generation
