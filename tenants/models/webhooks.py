"""Webhooks: who is told of an organization's events, what is owed to them, and how each try went."""

from __future__ import annotations

from django.db import models

from tenants.formats.webhook_address import LONGEST
from tenants.models.checks import named, one_of
from tenants.models.sync import LONG_AGO


class Webhook(models.Model):
    """An endpoint of somebody's program. Its address may hold a key, so events tell the host only."""

    class Stopped(models.TextChoices):
        NO = "", "on"
        PERSON = "person", "switched off"
        GONE = "gone", "its server said that it is gone (410)"
        FAILING = "failing", "it failed for days"
        FULL = "full", "too much waited for it"

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.CASCADE, related_name="webhooks"
    )
    domain = models.ForeignKey(
        "tenants.Domain",
        on_delete=models.CASCADE,
        null=True,
        related_name="webhooks",
        help_text="Only events of this domain are told; empty: all of the organization.",
    )
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=LONGEST)
    types = models.JSONField(default=list, help_text="Of events, or sets such as mailbox.*; empty: all.")
    sealed_secret = models.BinaryField()
    sealed_former_secret = models.BinaryField(null=True)
    former_until = models.DateTimeField(null=True, help_text="Until then the former secret signs, too.")
    enabled = models.BooleanField(default=True)
    stopped = models.CharField(max_length=10, choices=Stopped.choices, blank=True, default=Stopped.NO)

    failures = models.PositiveIntegerField(default=0, help_text="Tries that failed since one succeeded.")
    failing_since = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(default=LONG_AGO)
    claimed_until = models.DateTimeField(default=LONG_AGO)
    created_by = models.ForeignKey(
        "tenants.Account", on_delete=models.SET_NULL, null=True, related_name="webhooks"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            named("name", "webhook_has_a_name"),
            models.UniqueConstraint(fields=["organization", "name"], name="webhook_name_exists_once"),
            one_of("webhook", "stopped", "", "person", "gone", "failing", "full"),
            models.CheckConstraint(
                condition=models.Q(enabled=True, stopped="")
                | models.Q(enabled=False) & ~models.Q(stopped=""),
                name="webhook_says_why_it_is_off",
            ),
            models.CheckConstraint(
                condition=models.Q(sealed_former_secret__isnull=True, former_until__isnull=True)
                | models.Q(sealed_former_secret__isnull=False, former_until__isnull=False),
                name="former_secret_of_a_webhook_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event that is owed to one webhook, word for word.

    The row is the outbox: it is written in the transaction of the event. Without constraints on its webhook,
    whose removal must not break a change that is being written.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "on its way"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "not delivered"

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.CASCADE, related_name="webhook_deliveries"
    )
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    message_id = models.CharField(max_length=40, unique=True, help_text="The same for every try.")
    event = models.BigIntegerField(null=True, help_text="The id of the event; none for a test.")
    type = models.CharField(max_length=130)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveIntegerField(default=0, help_text="Since it was last asked for.")
    problem = models.CharField(max_length=300, blank=True)
    next_try_at = models.DateTimeField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [one_of("webhook_delivery", "state", "waiting", "delivered", "failed")]
        indexes = [
            models.Index(fields=["webhook", "-id"]),
            models.Index(fields=["webhook", "state", "next_try_at"]),
            models.Index(fields=["organization", "-id"]),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"


class WebhookAttempt(models.Model):
    """One try: what was asked and what came back. The answer is hostile text, made harmless and cut."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    headers = models.JSONField(default=dict, help_text="Of the request.")
    status = models.PositiveIntegerField(null=True, help_text="Of the answer; none where none came.")
    answer_headers = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField()
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "-id"])]

    def __str__(self) -> str:
        return f"{self.delivery}: {self.status or self.problem}"
