"""How the git host of a repository is set up, as a worker saw it last, and what a person asked of it."""

from __future__ import annotations

from django.db import models

from tenants.models.agreed import AgreedPlan
from tenants.models.checks import one_of


class HostSetup(AgreedPlan):
    """A look at the git host: `steps` are `{"sentence", "command"}`. `keys` are `{"key", "writes"}`: public
    keys that shall reach this repository alone."""

    repository = models.OneToOneField(
        "tenants.Repository", on_delete=models.CASCADE, related_name="host_setup"
    )
    keys = models.JSONField(default=list)

    class Meta:
        constraints = [
            one_of("host_setup", "asked", "", "look", "prepare"),
            one_of("host_setup", "state", "unknown", "ready", "todo", "by_hand", "failed"),
        ]
        indexes = [
            models.Index(fields=["claimed_until"], condition=~models.Q(asked=""), name="setups_to_serve")
        ]

    def __str__(self) -> str:
        return f"the git host of {self.repository}"
