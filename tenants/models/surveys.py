"""Looks at a mail installation that somebody else made: what workers read of it, and when."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of


class Survey(models.Model):
    """Somebody wants a domain's existing installation explained: the domain, and the part of a host on which
    its unikernels run. While the row is there, every look at one of the places is kept."""

    domain = models.OneToOneField("tenants.Domain", on_delete=models.CASCADE, related_name="survey")
    share = models.ForeignKey("tenants.HostShare", on_delete=models.CASCADE, related_name="surveys")
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"the installation of {self.domain}"


class SurveyLook(models.Model):
    """What was read at one place; see tenants.formats.existing.seen. It holds no secret."""

    class Place(models.TextChoices):
        HOST = "host", "what runs on the host"
        RULES = "rules", "the host's firewall"
        USERS = "users", "the repository of the users"
        ZONE = "zone", "the repository of the zone"

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="looks")
    place = models.CharField(max_length=10, choices=Place.choices)
    target = models.ForeignKey(
        "tenants.SyncTarget", on_delete=models.CASCADE, related_name="+", help_text="Where it was read."
    )
    seen = models.JSONField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "place"], name="place_looked_at_once"),
            one_of("survey_look", "place", "host", "rules", "users", "zone"),
        ]

    def __str__(self) -> str:
        return f"{self.get_place_display()} of {self.survey}"
