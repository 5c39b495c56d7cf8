"""Every column that holds secrets sealed to the workers' key, found from the models themselves."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.db.models import BinaryField, Model


@dataclass(frozen=True)
class SealedField:
    model: type[Model]
    name: str

    def __str__(self) -> str:
        return f"{self.model._meta.object_name}.{self.name}"


def sealed_fields() -> tuple[SealedField, ...]:
    """In the order of the models' names."""
    found = (
        SealedField(model, field.name)
        for model in apps.get_app_config("tenants").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, BinaryField) and field.name.startswith("sealed_")
    )
    return tuple(sorted(found, key=str))
