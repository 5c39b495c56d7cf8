"""What the database itself refuses, whatever code writes to it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower


def one_of(model: str, field: str, *choices: str) -> models.CheckConstraint:
    """The column holds one of its choices; named here, since Meta cannot see the class around it."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": choices}), name=f"{model}_{field}_is_a_choice"
    )


def named(field: str, name: str) -> models.CheckConstraint:
    """The column is not empty."""
    return models.CheckConstraint(condition=~models.Q(**{field: ""}), name=name)


def small(field: str, name: str) -> models.CheckConstraint:
    """The column is in lower case, and not empty: equal addresses are equal text."""
    return models.CheckConstraint(
        condition=models.Q(**{field: Lower(field)}) & ~models.Q(**{field: ""}), name=name
    )
