"""Sessions of browsers at the panel: whose, from where, since when. Only digests of their keys are kept."""

from __future__ import annotations

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from tenants.models.accounts import Account


class Session(AbstractBaseSession):
    """One browser. `session_key` is the digest of the key in its cookie (see panel.sessions)."""

    session_key = models.CharField(max_length=64, primary_key=True)
    # Written by the end of a request, when its account may be gone.
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, related_name="sessions", db_constraint=False
    )
    begun_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    ip = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True, help_text="What the browser calls itself.")
    must_rotate = models.BooleanField(
        default=False, help_text="Its person's rank was changed by somebody else: it gets another key."
    )

    class Meta:
        indexes = [models.Index(fields=["expire_date"])]

    def __str__(self) -> str:
        return f"session of {self.account or 'nobody'}"
