"""Answers of the API, kept for a while: who asks again with the same key gets the same answer."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import named


class StoredAnswer(models.Model):
    """What a write with an idempotency key was answered; made in the same transaction as the write.

    One key means one request of one caller: of a program by its token, else of an account in a browser.
    `fingerprint` is keyed with the web process's secret, since requests hold hashes of passphrases; what is
    shown once is not in `body`.
    """

    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="+")
    token = models.ForeignKey("tenants.ApiToken", on_delete=models.CASCADE, null=True, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text="Of the method, the address and the body.")
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True, help_text="JSON, without what is shown once.")
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "key"], name="answer_once_per_token_and_key"),
            models.UniqueConstraint(
                fields=["account", "key"],
                condition=models.Q(token__isnull=True),
                name="answer_once_per_account_and_key",
            ),
            named("key", "answer_has_a_key"),
        ]
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.status} for {self.key}"
