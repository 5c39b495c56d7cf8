"""Who we are to the outside."""

from __future__ import annotations

import uuid

from django.db import models


class Installation(models.Model):
    """One row. Its id is in the trailer of every commit, so that two installations notice each other."""

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(singleton=True), name="there_is_one_installation")
        ]

    def __str__(self) -> str:
        return str(self.id)

    @classmethod
    def current_id(cls) -> str:
        row, _ = cls.objects.get_or_create(singleton=True)
        return str(row.id)
