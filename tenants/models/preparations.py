"""Preparing a host for albatross: what a worker saw of it last, and what an operator asked for."""

from __future__ import annotations

from django.db import models

from tenants.models.agreed import AgreedPlan
from tenants.models.checks import named, one_of


class HostPreparation(AgreedPlan):
    """A look at a host: `steps` are `{"key", "title", "why", "command", "state", "said"}`, whose `state` is
    empty, `already`, `done` or `failed`."""

    host = models.OneToOneField("tenants.Host", on_delete=models.CASCADE, related_name="preparation")
    username = models.CharField(
        max_length=64, default="root", help_text="The account that does it: root, or one that may use sudo."
    )
    with_git = models.BooleanField(default=True, help_text="Whether repositories are kept there, too.")
    with_firewall = models.BooleanField(default=True)
    key_fingerprint = models.CharField(
        max_length=40,
        blank=True,
        help_text="Of the key that signs the packages; empty: not compared.",
    )
    script = models.TextField(blank=True, help_text="All of it for a person to run as root.")

    class Meta:
        constraints = [
            one_of("host_preparation", "asked", "", "look", "prepare"),
            one_of("host_preparation", "state", "unknown", "ready", "todo", "by_hand", "failed"),
            named("username", "preparation_has_an_account"),
        ]
        indexes = [
            models.Index(fields=["claimed_until"], condition=~models.Q(asked=""), name="prepare_these")
        ]

    def __str__(self) -> str:
        return f"the preparation of {self.host}"
