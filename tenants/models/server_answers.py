"""What each name server of a zone answered when a worker asked it last."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.formats.zones.agreement import Agreement
from tenants.models.checks import one_of

AGREEMENTS = tuple(str(each) for each in Agreement)
_CHOICES = [(each, each) for each in AGREEMENTS]


class ServerAnswer(models.Model):
    """One name server of a zone, at one address: does it have what the primary has?

    `host` is empty for a primary that the zone does not name. `behind` counts serials. `since` it is so;
    `apart_since` it does not agree, in whatever way, and fetched nothing.
    """

    zone = models.ForeignKey("tenants.Zone", on_delete=models.CASCADE, related_name="server_answers")
    host = models.CharField(max_length=253, blank=True)
    address = models.GenericIPAddressField()
    primary = models.BooleanField(default=False)
    agreement = models.CharField(max_length=20, choices=_CHOICES)
    serial = models.BigIntegerField(null=True)
    behind = models.BigIntegerField(default=0)
    problem = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()
    apart_since = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "host", "address"], name="server_answers_once"),
            one_of("server_answer", "agreement", *AGREEMENTS),
            models.CheckConstraint(
                condition=Q(agreement="agrees", apart_since=None)
                | (~Q(agreement="agrees") & Q(apart_since__isnull=False)),
                name="server_apart_says_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host} ({self.address})" if self.host else self.address
