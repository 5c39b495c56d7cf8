"""How the certificates that unikernels keep in zones were found to stand."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from tenants.formats.restarts import USUAL, Pace, due
from tenants.models.checks import one_of, small
from tenants.models.readers import RepositoryReader


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


class CertificateUse(models.Model):
    """A unikernel that takes the certificate of `host` out of the zone when it starts, and only then.

    `wanted` is the fingerprint of the one that came last, `taken` of the one that it has: it needs a restart
    while they differ. Rookery restarts it by itself only where somebody chose that; else `due_at` is empty
    until a person says when. `started` is its start, by the host's clock, when the need was seen first:
    another start shows that it was restarted, by whomever. A use that is off is remembered, so that it is
    not found again by the unikernel's arguments.
    """

    class Mode(models.TextChoices):
        PROPOSED = "proposed", "when somebody says so"
        AUTOMATIC = "automatic", "by itself"
        OFF = "off", "not linked"

    WAITING = ~Q(mode="off") & ~Q(wanted="") & ~Q(wanted=F("taken"))

    unikernel = models.OneToOneField(
        "tenants.Unikernel", on_delete=models.CASCADE, related_name="certificate_use"
    )
    zone = models.ForeignKey("tenants.Zone", on_delete=models.CASCADE, related_name="certificate_uses")
    host = models.CharField(max_length=253)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.PROPOSED)
    wanted = models.CharField(max_length=64, blank=True, help_text="SHA-256, hex; empty until there is one.")
    taken = models.CharField(max_length=64, blank=True, help_text="The same of the one that it has.")
    changed_at = models.DateTimeField(null=True, help_text="When the renewed one was found.")
    due_at = models.DateTimeField(null=True, help_text="Not before this it is restarted.")
    started = models.DateTimeField(null=True)
    restarted_at = models.DateTimeField(null=True)
    held = models.CharField(max_length=500, blank=True, help_text="Why it does not restart although due.")

    class Meta:
        constraints = [
            one_of("certificate_use", "mode", "proposed", "automatic", "off"),
            small("host", "certificate_use_host_is_in_lower_case"),
        ]

    def __str__(self) -> str:
        return f"{self.unikernel} uses the certificate of {self.host}"

    @property
    def is_waiting(self) -> bool:
        return self.mode != self.Mode.OFF and bool(self.wanted) and self.wanted != self.taken

    @property
    def is_automatic(self) -> bool:
        return self.mode == self.Mode.AUTOMATIC

    @property
    def reader(self) -> RepositoryReader | None:
        """What it reads besides: it restarts for both at once."""
        return getattr(self.unikernel, "reads", None)

    @property
    def pace(self) -> Pace:
        """That of the repository that it reads, if any."""
        return self.reader.repository.pace if self.reader is not None else USUAL

    def usual_time(self) -> datetime | None:
        """When it may restart by itself; None when it needs not."""
        if not self.is_waiting or self.changed_at is None:
            return None
        reader = self.reader
        times = [self.restarted_at, reader.restarted_at if reader is not None else None]
        return due(
            changed_at=self.changed_at,
            waiting_since=self.changed_at,
            last_restart=max((each for each in times if each is not None), default=None),
            urgent=False,
            pace=self.pace,
        )
