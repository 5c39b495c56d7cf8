"""Sealing every stored secret anew to the workers' key in use, after that key was renewed.

It may be stopped anywhere and begun again: what is sealed to the key in use already is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction

from tenants.actions.audit import record
from tenants.actions.former_passphrases import seal_of
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.models import FormerPassphrase, Mailbox
from tenants.sealed_fields import SealedField, sealed_fields
from tenants.secrets import CannotOpen, Opener

AT_ONCE = 200
# What people change meanwhile is found by another round; each finds less than the one before.
MOST_ROUNDS = 5


@dataclass
class Resealing:
    """`anew` were sealed anew, `right` were so already; `lost` names rows that no key opens."""

    anew: int = 0
    right: int = 0
    lost: list[str] = field(default_factory=list)
    done: bool = True


def reseal(
    *, actor: Actor, opener: Opener, write: bool = True, say: Callable[[str], None] = lambda line: None
) -> Resealing:
    """Seal all that is stored to the key in use, some rows in one transaction; without `write`, only count.

    `done` is false where, after some rounds, values under a former key still came in: then a web process
    seals to it.
    """
    if not actor.system:
        raise Forbidden("Only whoever holds the workers' key can do this, at the server's command line.")
    anew = 0
    for _ in range(MOST_ROUNDS if write else 1):
        found = Resealing()
        for each in sealed_fields():
            before = found.anew
            _reseal_field(opener, each, found, write=write)
            if found.anew > before:
                say(f"{each}: {found.anew - before}")
        anew += found.anew
        found.done = not found.anew
        if found.done:
            break
    found.anew = anew
    if write and anew:
        record(
            actor,
            "reseal",
            "the workers' key",
            f"{anew} stored secrets were sealed anew to the workers' key in use.",
        )
    return found


def _reseal_field(opener: Opener, where: SealedField, found: Resealing, *, write: bool) -> None:
    rows = where.model._default_manager.exclude(**{where.name: None}).order_by("pk")
    after = None
    while True:
        some = rows.filter(pk__gt=after) if after is not None else rows
        batch = [(pk, bytes(sealed)) for pk, sealed in some.values_list("pk", where.name)[:AT_ONCE]]
        if not batch:
            return
        after = batch[-1][0]
        changes = []
        for pk, sealed in batch:
            try:
                fresh = opener.sealed_anew(sealed)
            except CannotOpen:
                found.lost.append(f"{where} {pk}")
                continue
            if fresh is None:
                found.right += 1
            else:
                changes.append((pk, sealed, fresh))
        if write:
            with transaction.atomic():
                for change in changes:
                    _put(where, *change)
        found.anew += len(changes)


def _put(where: SealedField, pk: int, before: bytes, after: bytes) -> None:
    """Only in the place of what was read: what a person changed meanwhile is newer."""
    rows = where.model._default_manager.filter(pk=pk, **{where.name: before})
    if rows.update(**{where.name: after}) and where.model is Mailbox:
        # An event can be undone as long as the address has what the event left there.
        FormerPassphrase.objects.filter(mailbox=pk, followed_by=seal_of(before)).update(
            followed_by=seal_of(after)
        )


final("The secrets are the same; only the key that they are sealed to is another.", "reseal")
