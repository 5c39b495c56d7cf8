"""Unikernel images: files by their SHA-256, and what they say about themselves."""

from __future__ import annotations

from typing import Any

from django.db import models

from tenants.formats.solo5_image import ManifestDevice, Solo5Image
from tenants.models.checks import named, one_of


class Image(models.Model):
    """An image as it came in, uncompressed. The file is in the storage `images`, under its SHA-256."""

    class Role(models.TextChoices):
        OTHER = "other", "something else"
        SUBMISSION = "submission", "submission"
        RELAY = "relay", "relay"
        SIGNER = "signer", "signer"
        VERIFIER = "verifier", "verifier"
        SPAMFILTER = "spamfilter", "spam filter"
        PRIMARY_DNS = "primary_dns", "primary DNS"
        SECONDARY_DNS = "secondary_dns", "secondary DNS"
        CERTIFICATES = "certificates", "Let's Encrypt"
        RESOLVER = "resolver", "resolver"

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="images")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="In bytes.")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.OTHER)
    era = models.CharField(max_length=40, blank=True, help_text="Which generation of the stack, e.g. 2025.")
    note = models.CharField(max_length=500, blank=True)
    source = models.CharField(
        max_length=2100, blank=True, help_text="Where Rookery itself got it; empty: uploaded."
    )
    target = models.CharField(max_length=10)
    abi_version = models.PositiveIntegerField()
    machine = models.CharField(max_length=20)
    devices = models.JSONField(help_text="Of its manifest: [name, kind] each.")
    shared = models.BooleanField(default=False, help_text="Every organization may run it.")
    shared_with = models.ManyToManyField(
        "tenants.Organization", related_name="lent_images", help_text="Who else may run it."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="image_uploaded_once"),
            named("name", "image_has_a_name"),
            one_of(
                "image",
                "role",
                "other",
                "submission",
                "relay",
                "signer",
                "verifier",
                "spamfilter",
                "primary_dns",
                "secondary_dns",
                "certificates",
                "resolver",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_for(self, organization_id: int) -> bool:
        """May this organization start it?"""
        if self.shared or self.organization_id == organization_id:
            return True
        return self.shared_with.filter(pk=organization_id).exists()

    @property
    def file_name(self) -> str:
        """In the storage `images`."""
        return f"{self.sha256[:2]}/{self.sha256}"

    @property
    def short_digest(self) -> str:
        return self.sha256[:12]

    @property
    def manifest(self) -> Solo5Image:
        devices: list[Any] = self.devices
        return Solo5Image(
            self.target,
            self.abi_version,
            self.machine,
            tuple(ManifestDevice(str(name), kind) for name, kind in devices),
        )
