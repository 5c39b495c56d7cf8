"""What a domain does with requests by itself: which it grants, and when it gives up waiting."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

DECIDE_WITHIN_DAYS = 30


class RequestRules(models.Model):
    """Of one domain; one without a row has the defaults. `given` counts by conditional update."""

    domain = models.OneToOneField(
        "tenants.Domain", on_delete=models.CASCADE, related_name="request_rules", primary_key=True
    )
    pattern = models.CharField(max_length=64, blank=True, help_text="* and ? stand for others; empty: any.")
    mail_domains = models.JSONField(default=list, help_text="Where the mail may go; empty: anywhere.")
    most = models.PositiveIntegerField(default=20, help_text="How many addresses are given by the rule.")
    most_each = models.PositiveIntegerField(default=1, help_text="How many of them to the same target.")
    given = models.PositiveIntegerField(default=0)
    decide_within_days = models.PositiveIntegerField(
        null=True, default=DECIDE_WITHIN_DAYS, help_text="Then a waiting request lapses; never when empty."
    )

    class Meta:
        verbose_name_plural = "request rules"
        constraints = [
            models.CheckConstraint(
                condition=Q(decide_within_days__isnull=True) | Q(decide_within_days__gte=1),
                name="deciders_have_a_day_at_least",
            )
        ]

    def __str__(self) -> str:
        return f"rules of {self.domain}"
