"""Keys of a backup, all rows that it should hold, and the loss of everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction

from tenants import image_files, keys
from tenants.keys import public_half
from workers.backup import rows
from workers.backup.seals import PrivateHalf, PublicHalf

PRIVATE = keys.new_private()
SEAL, MINE = PublicHalf(public_half(PRIVATE)), PrivateHalf(PRIVATE)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of every table that a backup holds."""
    return {
        model._meta.label: [
            tuple(bytes(x) if isinstance(x, memoryview) else x for x in row)
            for row in model._base_manager.order_by("pk").values_list(*names_of(model))
        ]
        for model in rows.kept_models()
    }


def names_of(model: Any) -> list[str]:
    return [field.attname for field in rows.stored_fields(model)]


def wipe() -> None:
    """The machine is lost: what stays are backups."""
    with transaction.atomic():
        rows.empty()
    for path in image_folder().rglob("*"):
        if path.is_file():
            path.unlink()


def image_folder() -> Path:
    return Path(image_files.storage().path(""))
