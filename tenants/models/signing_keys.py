"""DKIM keys of domains: a signer makes its key of a seed, so the public key is known before it boots."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.formats.zones.dkim_record import dkim_text
from tenants.models.checks import one_of, small
from tenants.models.sync import LONG_AGO


class SigningKey(models.Model):
    """What signs mail of a domain under one selector; several at a time while one follows another.

    The seed is sealed: a signer is given it by a worker, or by the person to whom it was shown once. A worker
    computes `public_key` (what stands after `p=` in the DNS), or says in `problem` why it cannot. A key that
    was retired signs no more, and nothing is expected of the DNS at its selector.
    """

    class Algorithm(models.TextChoices):
        RSA_2048 = "rsa-2048", "RSA, 2048 bits (signers up to 2024)"
        RSA_4096 = "rsa-4096", "RSA, 4096 bits (signers since 2025)"
        ED25519 = "ed25519", "Ed25519 (signers since 2025)"

    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, related_name="signing_keys")
    selector = models.CharField(max_length=63)
    algorithm = models.CharField(max_length=10, choices=Algorithm.choices, default=Algorithm.RSA_2048)
    sealed_seed = models.BinaryField()
    public_key = models.TextField(blank=True, help_text="Base64, as after p= in the record.")
    problem = models.CharField(max_length=200, blank=True)
    claimed_until = models.DateTimeField(default=LONG_AGO)
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    # What a worker has still to compute.
    UNKNOWN = Q(public_key="", problem="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "selector"], name="selector_is_used_once"),
            small("selector", "selector_is_in_lower_case"),
            one_of("signing_key", "algorithm", "rsa-2048", "rsa-4096", "ed25519"),
        ]
        indexes = [
            models.Index(
                fields=["claimed_until"], condition=Q(public_key="", problem=""), name="keys_to_compute"
            )
        ]

    def __str__(self) -> str:
        return self.owner

    @property
    def owner(self) -> str:
        """The name of its record."""
        return f"{self.selector}._domainkey.{self.domain.name}"

    @property
    def record(self) -> str:
        """The text of its record as ptt's signer writes it; "" while no worker computed the key."""
        kind = "ed25519" if self.algorithm == self.Algorithm.ED25519 else "rsa"
        return dkim_text(self.public_key, kind).decode("ascii") if self.public_key else ""
