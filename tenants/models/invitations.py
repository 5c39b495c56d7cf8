"""Links with which somebody may ask for an address, also where strangers may not."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Invitation(models.Model):
    """Only the digest of its link is kept. A use is counted when somebody asks with it."""

    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    note = models.CharField(max_length=200, blank=True, help_text="Whom it is for; for the team.")
    recipient = models.CharField(max_length=254, blank=True, help_text="Who was mailed the link.")
    local_part = models.CharField(max_length=64, blank=True, help_text="The one to have; free when empty.")
    approved = models.BooleanField(default=False, help_text="A yes beforehand; else it is decided as usual.")
    uses = models.PositiveIntegerField(help_text="How many may ask with it.")
    uses_left = models.PositiveIntegerField()
    made_by = models.ForeignKey(
        "tenants.Account", on_delete=models.SET_NULL, null=True, related_name="invitations"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(uses__gte=1, uses_left__lte=F("uses")), name="invitation_keeps_its_uses"
            ),
            models.CheckConstraint(
                condition=Q(local_part="") | Q(uses=1), name="invitation_to_one_address_is_for_one"
            ),
        ]
        indexes = [models.Index(fields=["domain", "-id"])]

    def __str__(self) -> str:
        return self.note or self.recipient or f"invitation {self.pk}"
