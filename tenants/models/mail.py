"""Mails that the panel owes somebody. Each counts, so each has a row of its own."""

from __future__ import annotations

from django.db import models

from tenants.models.sync import LONG_AGO


class OutgoingMail(models.Model):
    """Subject and body carry links that sign in: the body is sealed and dropped once sent."""

    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    sealed_body = models.BinaryField(null=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    next_try_at = models.DateTimeField(default=LONG_AGO)
    claimed_until = models.DateTimeField(default=LONG_AGO)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(sent_at__isnull=True, given_up_at__isnull=True)
                | models.Q(sealed_body__isnull=True),
                name="finished_mail_has_no_body",
            )
        ]
        indexes = [models.Index(fields=["sent_at", "next_try_at"])]

    def __str__(self) -> str:
        return f"{self.subject} → {self.recipient}"
