"""Who we are to the outside, when anybody last looked for work, and how old our copy is."""

from __future__ import annotations

import uuid

from django.db import models


class Installation(models.Model):
    """One row. Its id is in the trailer of every commit, so that two installations notice each other."""

    singleton = models.BooleanField(default=True, unique=True, editable=False)
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    created_at = models.DateTimeField(auto_now_add=True)
    swept_at = models.DateTimeField(null=True, help_text="When a worker last looked for what is due.")
    backed_up_at = models.DateTimeField(null=True, help_text="When the last backup was whole.")
    backup_begun_at = models.DateTimeField(null=True, help_text="When a worker last began one.")
    backup_problem = models.CharField(max_length=500, blank=True, help_text="Why that one was not made.")
    restored_at = models.DateTimeField(null=True, help_text="When all of this came out of a backup.")
    restored_from = models.DateTimeField(null=True, help_text="What that backup saw: how things stood then.")

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
