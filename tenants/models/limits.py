"""Counters behind the limits of public pages."""

from __future__ import annotations

from django.db import models


class Allowance(models.Model):
    """How often `key` was used in the window that began at `since`."""

    key = models.CharField(max_length=200, unique=True)
    since = models.DateTimeField()
    used = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["since"])]

    def __str__(self) -> str:
        return f"{self.key}: {self.used}"
