"""Changing a set of addresses as one action: one transaction, one mark, each member by its own action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record_all
from tenants.actions.gathering import Gathered, gathered
from tenants.actions.questions import ask_all
from tenants.actor import Actor
from tenants.errors import Invalid
from tenants.models import Domain, Mailbox

AT_ONCE = 500
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
    found.generation = _mark(found)
    for event in found.events:
        if event.sync_target_id is not None:
            event.generation = found.generation
    record_all(found.events)
    ask_all(actor, domain, found.questions)


def _mark(found: Gathered) -> int:
    target = next((each for each in found.relays.values() if each is not None), None)
    changes = {"changed_at": timezone.now()}
    generation = 0
    ids = sorted({mailbox.pk for mailbox in found.changed})
    if target is not None and ids:
        generation = outbox.mark([target])[target.pk]
        changes["generation"] = generation
    for start in range(0, len(ids), AT_ONCE):
        Mailbox.objects.filter(pk__in=ids[start : start + AT_ONCE]).update(**changes)
    return generation
