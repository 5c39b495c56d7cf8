"""The audit log: who did what to what, when, from where, before → after."""

from __future__ import annotations

from django.db import models


class Event(models.Model):
    """Written by actions in their transaction. Secrets are masked before they get here.

    Never changed, but for one thing: when an address is deleted for good, who got its mail is taken out.
    """

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.CASCADE, null=True, related_name="events", db_index=False
    )
    domain = models.ForeignKey(
        "tenants.Domain", on_delete=models.SET_NULL, null=True, related_name="events", db_index=False
    )
    mailbox = models.ForeignKey(
        "tenants.Mailbox", on_delete=models.SET_NULL, null=True, related_name="events", db_index=False
    )
    sync_target = models.ForeignKey(
        "tenants.SyncTarget", on_delete=models.SET_NULL, null=True, related_name="events", db_index=False
    )
    generation = models.BigIntegerField(default=0, help_text="Of the sync target, when this marked it.")
    undoes = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="undone_by",
        help_text="The event that this one set back. Each is undone once; undoing that is doing it again.",
    )
    verb = models.CharField(max_length=60)
    subject = models.CharField(max_length=300, help_text="What it was done to, by name.")
    sentence = models.CharField(max_length=500)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, related_name="events")
    actor_name = models.CharField(max_length=300)
    via = models.CharField(max_length=20)
    token = models.CharField(max_length=120, blank=True)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["organization", "-id"]),
            models.Index(fields=["domain", "-id"]),
            models.Index(fields=["mailbox", "-id"]),
            # What came before an address was made, or was left of one that is deleted for good.
            models.Index(
                fields=["domain", "subject"], condition=models.Q(mailbox=None), name="events_without_address"
            ),
            models.Index(fields=["sync_target", "generation"]),
            models.Index(fields=["organization", "verb", "-id"]),
            models.Index(fields=["organization", "actor_name", "-id"]),
            models.Index(fields=["domain", "verb", "-id"]),
            # Few undo another: the index of all looks to SQLite as if each were undone very often.
            models.Index(
                fields=["undoes"], condition=models.Q(undoes__isnull=False), name="events_that_undo"
            ),
            # Where a day begins.
            models.Index(fields=["at", "id"]),
            # For those who see all organizations.
            models.Index(fields=["verb", "-id"]),
            models.Index(fields=["actor_name", "-id"]),
        ]

    def __str__(self) -> str:
        return self.sentence
