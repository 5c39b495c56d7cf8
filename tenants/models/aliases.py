"""Aliases: to which mailboxes they deliver, and what people may make themselves."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tenants.models.checks import named


class Delivery(models.Model):
    """An alias delivers to whoever gets the mail of a mailbox. The order of the rows is the order of targets.

    The relay looks no name up twice, so Rookery writes the mailbox's targets into the alias's entry. What an
    alias delivers to is never itself an alias that delivers.
    """

    alias = models.ForeignKey("tenants.Mailbox", on_delete=models.CASCADE, related_name="deliveries")
    mailbox = models.ForeignKey("tenants.Mailbox", on_delete=models.CASCADE, related_name="fed_by")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["alias", "mailbox"], name="alias_delivers_once"),
            models.CheckConstraint(condition=~Q(alias=F("mailbox")), name="alias_does_not_deliver_to_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.alias} → {self.mailbox}"


class AliasRules(models.Model):
    """What people who hold a mailbox of the domain may make themselves; without a row: nothing."""

    domain = models.OneToOneField(
        "tenants.Domain", on_delete=models.CASCADE, related_name="alias_rules", primary_key=True
    )
    pattern = models.CharField(max_length=64, help_text="{own} is the person's name; * any other characters.")
    most_each = models.PositiveIntegerField(help_text="Aliases per person, those in the trash not counted.")
    longest_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="After so many days an alias ends unless extended; empty: never."
    )

    class Meta:
        verbose_name_plural = "alias rules"
        constraints = [
            named("pattern", "alias_rules_have_a_pattern"),
            models.CheckConstraint(condition=Q(most_each__range=(1, 1000)), name="alias_rules_have_a_count"),
            models.CheckConstraint(
                condition=Q(longest_days__isnull=True) | Q(longest_days__range=(1, 3650)),
                name="alias_rules_have_a_lifetime",
            ),
        ]

    def __str__(self) -> str:
        return f"what people of {self.domain} may make"
