"""Passphrases that were replaced, kept for some days so that replacing one can be undone."""

from __future__ import annotations

from django.db import models


class FormerPassphrase(models.Model):
    """What an address had before one event, still sealed: copied as it is, never opened by the panel.

    `followed_by` identifies the sealed bytes that the event put in its place (a digest of what is already
    sealed, so it tells nothing about the passphrase): as long as the address still has them, the event can
    be undone.
    """

    event = models.OneToOneField(
        "tenants.Event", on_delete=models.CASCADE, related_name="former_passphrase", primary_key=True
    )
    mailbox = models.ForeignKey(
        "tenants.Mailbox", on_delete=models.CASCADE, related_name="former_passphrases"
    )
    sealed_hash = models.BinaryField(null=True, help_text="Null: it had none; it was an alias.")
    followed_by = models.CharField(max_length=64)
    kept_until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kept_until"])]

    def __str__(self) -> str:
        return f"former passphrase of {self.mailbox}"
