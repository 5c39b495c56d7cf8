"""Mail domains."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of, small
from tenants.models.fields import ByteOrdered


class Domain(models.Model):
    """A mail domain; belongs to one organization."""

    class Requests(models.TextChoices):
        CLOSED = "closed", "nobody can ask for an address"
        INVITATION = "invitation", "only who has an invitation can ask"
        MODERATED = "moderated", "anyone can ask, you decide"
        AUTOMATIC = "automatic", "anyone can ask, a rule says yes and you decide the rest"

    # Strangers find the request page of these.
    OPEN = (Requests.MODERATED, Requests.AUTOMATIC)

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="domains")
    name = ByteOrdered(max_length=253, unique=True)
    requests = models.CharField(max_length=10, choices=Requests.choices, default=Requests.CLOSED)
    submission_host = models.CharField(
        max_length=253, blank=True, help_text="The name that mail programs connect to, port 465."
    )
    trash_days = models.PositiveSmallIntegerField(
        default=30, help_text="How long an address stays in the trash, from where it can come back."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(trash_days__range=(1, 366)), name="trash_is_kept_for_a_day_to_a_year"
            ),
            small("name", "domain_is_in_lower_case"),
            one_of("domain", "requests", "closed", "invitation", "moderated", "automatic"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        """May strangers ask for an address here?"""
        return self.requests in self.OPEN

    @property
    def mail_program_host(self) -> str:
        return self.submission_host or f"smtp.{self.name}"
