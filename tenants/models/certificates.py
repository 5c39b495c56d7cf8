"""How the certificates that unikernels keep in zones were found to stand."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import one_of, small


class Certificate(models.Model):
    """The certificate of one host, as the records of its zone said at the last look.

    It stands so `since` then; `worries` once a person should look at it. `fingerprint` is empty while there
    is none, or several. Who uses it is told by what was proved in the zone, never by the row alone.
    """

    class Standing(models.TextChoices):
        VALID = "valid", "valid"
        PENDING = "pending", "asked for"
        RENEWAL_DUE = "renewal due", "renewal due"
        UNREQUESTED = "nothing asks for its renewal", "nothing asks for its renewal"
        MISFIT = "does not fit its request", "does not fit its request"
        NOT_YET = "not valid yet", "not valid yet"
        EXPIRED = "expired", "expired"
        STUCK = "stuck", "stuck"
        UNREADABLE = "unreadable", "unreadable"

    zone = models.ForeignKey("tenants.Zone", on_delete=models.CASCADE, related_name="certificates")
    host = models.CharField(max_length=253)
    standing = models.CharField(max_length=30, choices=Standing.choices)
    since = models.DateTimeField()
    sentence = models.TextField()
    fix = models.TextField(blank=True)
    names = models.JSONField(default=list)
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    issuer = models.CharField(max_length=200, blank=True)
    staging = models.BooleanField(default=False)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the certificate, hex.")
    worries = models.BooleanField(default=False)
    looked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "host"], name="certificate_of_a_host_is_there_once"),
            small("host", "certificate_host_is_in_lower_case"),
            one_of(
                "certificate",
                "standing",
                "valid",
                "pending",
                "renewal due",
                "nothing asks for its renewal",
                "does not fit its request",
                "not valid yet",
                "expired",
                "stuck",
                "unreadable",
            ),
            models.CheckConstraint(
                condition=~Q(standing="valid") | Q(worries=False), name="valid_certificates_worry_nobody"
            ),
        ]

    def __str__(self) -> str:
        return self.host
