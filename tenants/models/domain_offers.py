"""Domains that are offered to other organizations."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class DomainOffer(models.Model):
    """An owner offers a domain; whoever has its code accepts it for an organization of theirs.

    Only the digest of the code is kept. With a recipient, only the person who signs in with that address can
    accept. The row goes when the offer is accepted, taken back, or replaced after its end.
    """

    domain = models.OneToOneField("tenants.Domain", on_delete=models.CASCADE, related_name="offer")
    digest = models.CharField(max_length=64, unique=True)
    recipient = models.CharField(max_length=254, blank=True, help_text="Who was mailed the link.")
    made_by = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"the offer of {self.domain}"

    @property
    def is_open(self) -> bool:
        return self.expires_at > timezone.now()
