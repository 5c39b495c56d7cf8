"""The loss of the whole panel, and what it knew of the users."""

from __future__ import annotations

import shutil
from typing import Any

from django.db import transaction

from tenants import keys
from tenants.models import Installation, Mailbox
from tests.contract.host_world import own_images
from tests.contract.test_stack import Outside
from workers.backup import rows


def users_here() -> set[tuple[str, ...]]:
    """Each address with where its mail goes."""
    found = Mailbox.objects.prefetch_related("targets")
    return {(row.local_part, *sorted(each.address for each in row.targets.all())) for row in found}


def lose_everything(outside: Outside, settings: Any) -> str:
    """No row, image, key or mirror is left. Returns the name that the lost one signed with."""
    former = Installation.current_id()
    with transaction.atomic():
        rows.empty()
    assert Installation.current_id() != former
    own_images(settings, outside.folder / "new")
    private = keys.new_private()
    settings.WORKERS_KEY, settings.WORKERS_PUBLIC_KEY = private, keys.public_half(private)
    shutil.rmtree(outside.folder / "mirrors")
    return former
