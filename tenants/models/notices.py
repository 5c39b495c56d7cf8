"""What people are told of, by mail and in the panel, and how each of them wants to be told."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of


class Notice(models.Model):
    """One thing that one person is told. Its words hold no secret; who may still see its thing is asked
    whenever it is shown."""

    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.CASCADE, null=True, related_name="+"
    )
    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, null=True, related_name="+")
    thing_type = models.CharField(max_length=40, blank=True, help_text="The model of what it is about.")
    thing_id = models.BigIntegerField(null=True)
    path = models.CharField(max_length=400, blank=True, help_text="Of the page about it.")
    line = models.CharField(max_length=300)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When a summary takes it along; none where it waits.")

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"]),
            models.Index(
                fields=["account"], condition=models.Q(read_at__isnull=True), name="notice_is_unread"
            ),
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="notice_is_due"),
            models.Index(fields=["at"]),
        ]

    def __str__(self) -> str:
        return self.line


class NoticeChoice(models.Model):
    """How a person wants to be told of one kind; without a row, as the kind says."""

    class Delivery(models.TextChoices):
        AT_ONCE = "at_once", "by mail, at once"
        DAILY = "daily", "in a daily summary by mail"
        WEEKLY = "weekly", "in a weekly summary by mail"
        PANEL = "panel", "in the panel only"
        OFF = "off", "not at all"

    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="notice_choices")
    kind = models.CharField(max_length=40)
    delivery = models.CharField(max_length=10, choices=Delivery.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "kind"], name="kind_of_notice_is_chosen_once"),
            one_of("notice_choice", "delivery", "at_once", "daily", "weekly", "panel", "off"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.get_delivery_display()}"
