"""Mail domains."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of, small
from tenants.models.fields import ByteOrdered


class Domain(models.Model):
    """A mail domain; belongs to one organization."""

    class Requests(models.TextChoices):
        CLOSED = "closed", "nobody can ask for an address"
        MODERATED = "moderated", "anyone can ask, you decide"

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="domains")
    name = ByteOrdered(max_length=253, unique=True)
    requests = models.CharField(max_length=10, choices=Requests.choices, default=Requests.CLOSED)
    submission_host = models.CharField(
        max_length=253, blank=True, help_text="The name that mail programs connect to, port 465."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            small("name", "domain_is_in_lower_case"),
            one_of("domain", "requests", "closed", "moderated"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def mail_program_host(self) -> str:
        return self.submission_host or f"smtp.{self.name}"
