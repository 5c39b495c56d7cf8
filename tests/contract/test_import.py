"""Ten thousand imported addresses, on a real git host: one mark, one pass, one commit.

On PostgreSQL fewer: what a row costs does not depend on how many there are, and each costs more time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tenants import tokens
from tenants.actions import imports, mailboxes, quotas
from tenants.actor import Actor
from tenants.models import Domain, Mailbox, Organization, Run, TargetAddress
from tests.contract.relay_world import RelayWorld
from workers.controller import Ending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]
MANY = 3_000 if "postgresql" in settings.DATABASES["default"]["ENGINE"] else 10_000
T = TypeVar("T")


def fingerprint(number: int) -> str:
    return hashlib.blake2b(f"ferry-lantern-otter-{number}".encode()).hexdigest()


def table() -> bytes:
    lines = [f"n{i},n{i}@home.example,{fingerprint(i)},Number {i}\n" for i in range(MANY)]
    return ("address,targets,password_hash,note\n" + "".join(lines)).encode()


def timed(do: Callable[[], T]) -> tuple[float, T]:
    """Seconds of this process's work: other programs on the machine do not count."""
    before = time.process_time()
    done = do()
    return time.process_time() - before, done


def insert_bare_rows(domain: Domain) -> None:
    """The least that any import must do: the rows themselves, without a check, an event or a mail."""
    now = timezone.now()
    with transaction.atomic():
        rows = [
            Mailbox(domain=domain, local_part=f"n{i}", sealed_hash=b"x" * 180, note="Note", changed_at=now)
            for i in range(MANY)
        ]
        Mailbox.objects.bulk_create(rows, batch_size=500)
        targets = [
            TargetAddress(
                mailbox=row,
                address=f"{row.local_part}@home.example",
                digest=tokens.digest(row.local_part),
                asked_at=now,
            )
            for row in rows
        ]
        TargetAddress.objects.bulk_create(targets, batch_size=500)
        transaction.set_rollback(True)


def test_many_rows_are_one_commit(
    world: RelayWorld, alice: Actor, domain: Domain, organization: Organization
) -> None:
    quotas.change_quotas(
        actor=Actor.rookery(), organization=organization, domain_quota=3, mailbox_quota=2 * MANY
    )
    old = mailboxes.create_mailbox(actor=alice, domain=domain, local_part="old", targets=["old@home.example"])
    TargetAddress.objects.filter(mailbox=old).update(confirmed_at=timezone.now())
    assert world.reconcile() is Ending.AGREED
    before = world.git("rev-list", "--count", "main").strip()
    bare, _ = timed(lambda: insert_bare_rows(domain))
    looked, preview = timed(
        lambda: imports.preview_import(actor=alice, domain=domain, content=table(), vouched=True)
    )
    assert preview.counts == {"create": MANY, "change": 0, "unchanged": 0, "refused": 0}
    done, preview = timed(lambda: imports.apply_import(actor=alice, preview=preview, digest=preview.digest))
    world.target.refresh_from_db()
    assert preview.generation == world.target.generation
    assert world.reconcile() is Ending.AGREED
    assert world.git("rev-list", "--count", "main").strip() == str(int(before) + 1)
    assert world.git("ls-tree", "--name-only", "main").count("\n") == MANY + 1
    assert json.loads(world.git("cat-file", "blob", "main:n7")) == {
        "targets": ["n7@home.example"],
        "password": fingerprint(7),
    }
    run = Run.objects.latest("pk")
    assert run.title == f"Write {MANY} changes to relay.git of example.org"
    assert world.target.observed_generation == preview.generation
    # Measured three times as long; each row is also checked, sealed, kept and told in an event.
    assert looked < 10 * bare
    assert done < 10 * bare
