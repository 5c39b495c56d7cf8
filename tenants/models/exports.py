"""Exports of domains and of whole organizations: made by a worker, fetched once, gone after a while."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import one_of
from tenants.models.sync import LONG_AGO


class Export(models.Model):
    """Somebody asked for everything of a domain, or of an organization where there is no domain.

    With secrets in it, the archive is sealed to `public_key`; the private key was told to that person alone
    and is kept nowhere. It is there until it was fetched once, or until `expires_at`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "a worker puts it together"
        READY = "ready", "ready to be fetched"
        FETCHED = "fetched", "fetched"
        EXPIRED = "expired", "nobody fetched it in time"
        REPLACED = "replaced", "a newer one was asked for"
        FAILED = "failed", "it could not be made"

    OPEN = (State.WAITING, State.READY)

    organization = models.ForeignKey("tenants.Organization", on_delete=models.CASCADE, related_name="exports")
    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, null=True, related_name="exports")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked_by = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, related_name="+")
    public_key = models.BinaryField(max_length=32, null=True, help_text="None: it has no secrets.")
    archive = models.BinaryField(null=True)
    size = models.PositiveBigIntegerField(default=0, help_text="Of the archive, in bytes.")
    files = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    claimed_until = models.DateTimeField(default=LONG_AGO)
    asked_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("export", "state", "waiting", "ready", "fetched", "expired", "replaced", "failed"),
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(state__in=("waiting", "ready")),
                name="one_open_export_of_a_domain",
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(state__in=("waiting", "ready"), domain=None),
                name="one_open_export_of_an_organization",
            ),
            models.CheckConstraint(
                condition=Q(state="ready", archive__isnull=False) | (~Q(state="ready") & Q(archive=None)),
                name="an_archive_is_there_only_to_be_fetched",
            ),
            models.CheckConstraint(
                condition=Q(domain=None) | Q(public_key__isnull=False),
                name="an_export_of_a_domain_is_sealed",
            ),
        ]
        indexes = [
            models.Index(fields=["claimed_until"], condition=Q(state="waiting"), name="exports_to_make"),
            models.Index(fields=["expires_at"]),
        ]

    def __str__(self) -> str:
        return f"the export of {self.thing}"

    @property
    def thing(self) -> models.Model:
        """What is exported."""
        return self.domain if self.domain is not None else self.organization

    @property
    def has_secrets(self) -> bool:
        return self.public_key is not None
