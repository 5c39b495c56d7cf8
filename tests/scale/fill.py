"""A domain of any size, made by the database itself from one row of each kind."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from tenants.models import (
    AddressRequest,
    Event,
    Finding,
    Mailbox,
    Organization,
    Run,
    SyncTarget,
    TargetAddress,
)
from tests.world import World

# What is rare comes last by name and first by age: a list that reads on until it finds some reads it all.
RARE = 10


def fill(world: World, count: int) -> None:
    """`count` addresses with a target and an event each, and a tenth of it of everything else."""
    organization, target = world.organization, world.target
    Organization.objects.filter(pk=organization.pk).update(
        mailbox_quota=count + 100, mailbox_count=count + 10
    )
    SyncTarget.objects.filter(pk=target.pk).update(generation=100, observed_generation=50)
    number, some = "(10000000 + i)", max(count // 10, 1100)
    changed = _text(Mailbox, "changed_at")
    _multiply(
        world.mailbox,
        count,
        local_part=f"'user' || {number}",
        kind=f"CASE WHEN i > {count - RARE} THEN 'alias' ELSE 'mailbox' END",
        sealed_hash=f"CASE WHEN i > {count - RARE} THEN NULL ELSE row.sealed_hash END",
        enabled=f"i <= {count - 2 * RARE} OR i > {count - RARE}",
        reached=f"i <= {count - 3 * RARE} OR i > {count - 2 * RARE}",
        trashed_at=f"CASE WHEN i > {count - 4 * RARE} AND i <= {count - 3 * RARE} THEN {changed} END",
        generation=f"CASE WHEN i > {count - RARE} THEN 60 ELSE 10 END",
        expires_at=f"CASE WHEN i > {count - RARE} THEN {changed} END",
    )
    _insert_targets(world, count)
    _multiply(
        _event(world),
        count,
        verb=f"CASE WHEN i <= {RARE} THEN 'add_member' ELSE 'create_mailbox' END",
        actor_name=f"CASE WHEN i <= {RARE} THEN 'Rare Person' ELSE 'Alice' END",
        generation="i % 50",
    )
    run = Run.objects.filter(target=target).latest("pk")
    _multiply(run, some, state="'succeeded'", agree_to="''", generation="i % 50")
    _multiply(
        _request(world),
        some,
        local_part=f"'wish' || {number}",
        target=f"'wish' || {number} || '@home.example'",
        confirm_digest=f"'c{world.domain.pk}-' || i",
        page_digest=f"'p{world.domain.pk}-' || i",
        status=f"CASE WHEN i <= {RARE} THEN 'confirmed' ELSE 'refused' END",
        decided_at=f"CASE WHEN i <= {RARE} THEN NULL ELSE row.decided_at END",
    )
    _multiply(
        Finding.objects.filter(target=target).latest("pk"),
        some,
        unit=f"'entry' || {number}",
        kind=f"CASE WHEN i > {some - RARE} THEN 'drift' ELSE 'foreign' END",
    )


def _text(model: type[Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return f"row.{field.column}"


def _event(world: World) -> Event:
    return Event.objects.create(
        organization=world.organization,
        domain=world.domain,
        sync_target=world.target,
        generation=1,
        verb="create_mailbox",
        subject="many",
        sentence="One of many.",
        actor_name="Alice",
        via="api",
        at=timezone.now(),
    )


def _request(world: World) -> AddressRequest:
    now = timezone.now()
    return AddressRequest.objects.create(
        domain=world.domain,
        local_part="wish",
        target="wish@home.example",
        status="refused",
        reason="No.",
        asked_at=now,
        confirmed_at=now,
        decided_at=now,
        confirm_digest=f"c{world.domain.pk}",
        page_digest=f"p{world.domain.pk}",
    )


def _multiply(row: Any, count: int, **different: str) -> None:
    """`count` copies of a row; `different` says in SQL what is not the same, of `row` and its number `i`."""
    columns = [field.column for field in row._meta.local_concrete_fields if not field.primary_key]
    table = row._meta.db_table
    values = ", ".join(different.get(column, f"row.{column}") for column in columns)
    assert set(different) <= set(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - names of ours
            f" WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})"
            f" SELECT {values} FROM numbers, {table} AS row WHERE row.id = {row.pk}"
        )


def _insert_targets(world: World, count: int) -> None:
    """Each confirmed but for the rare ones, as `reached` says."""
    table, mailboxes = TargetAddress._meta.db_table, Mailbox._meta.db_table
    row = world.mailbox.targets.filter(confirmed_at__isnull=False).get()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (mailbox_id, address, digest, asked_at, confirmed_at, source, exchange)"  # noqa: S608
            " SELECT mailbox.id, mailbox.local_part || '@home.example', 'd' || mailbox.id, row.asked_at,"
            " CASE WHEN mailbox.reached THEN row.confirmed_at END, row.source, ''"
            f" FROM {mailboxes} AS mailbox, {table} AS row"
            f" WHERE row.id = {row.pk} AND mailbox.domain_id = {world.domain.pk}"
            " AND mailbox.local_part LIKE 'user1%'"
        )


def analyse() -> None:
    """Tell the database how much there is, as it does by itself after a while."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
