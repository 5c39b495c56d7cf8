"""What is claimed or counted by an update must name its conditions in that update itself.

Django makes a join of an update a question of its own (`id IN (SELECT ...)`). PostgreSQL does not ask that
again about a row that it had to wait for, so that two claim the same, or both get the last of something.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.actions.invitations import usable_invitations
from workers.backup.schedule import due_backups
from workers.errands.canary_keeper import due_canaries
from workers.errands.exporter import waiting_exports
from workers.errands.key_smith import unknown_keys
from workers.errands.ownership import unproved_zones
from workers.errands.server_asker import zones_to_ask
from workers.errands.webhook_sender import due_webhooks

CLAIMED: tuple[Callable[[], QuerySet], ...] = (
    usable_invitations,
    lambda: due_backups(timezone.now()),
    due_canaries,
    waiting_exports,
    unknown_keys,
    unproved_zones,
    zones_to_ask,
    lambda: due_webhooks(timezone.now()),
)


@pytest.mark.django_db
@pytest.mark.parametrize("rows", CLAIMED)
def test_a_claim_asks_its_conditions_of_the_row_itself(
    rows: Callable[[], QuerySet], settings: object
) -> None:
    settings.BACKUPS = object()  # type: ignore[attr-defined]
    found = rows()
    with CaptureQueriesContext(connection) as captured:
        found.filter(pk=1).update(id=1)
    (update,) = [each["sql"] for each in captured if each["sql"].startswith("UPDATE")]
    table = found.model._meta.db_table
    assert f'FROM "{table}"' not in update
