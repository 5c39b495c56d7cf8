"""Git repositories that hold users (relay) or zones."""

from __future__ import annotations

from django.db import models

from tenants.formats.restarts import LONGEST_APART, LONGEST_QUIET, SHORTEST_APART, USUAL, Pace
from tenants.models.checks import named, one_of


class Repository(models.Model):
    """A git remote and a branch, reached over SSH with a key of its own and a pinned host key."""

    class Kind(models.TextChoices):
        RELAY = "relay", "relay.git"
        ZONE = "zone", "zone.git"

    class Reload(models.TextChoices):
        HAND = "hand", "by hand"
        SANDBOX = "sandbox", "by the sandbox"

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="repositories"
    )
    domain = models.OneToOneField(
        "tenants.Domain", on_delete=models.PROTECT, related_name="relay", null=True, blank=True
    )
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RELAY)
    host = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=64, default="git")
    path = models.CharField(max_length=500)
    branch = models.CharField(max_length=200, default="main")
    reload = models.CharField(max_length=10, choices=Reload.choices, default=Reload.HAND)
    public_key = models.CharField(max_length=500, help_text="Ours, to be authorized on the git host.")
    sealed_key = models.BinaryField()
    host_key = models.CharField(max_length=2000, blank=True, help_text="The pinned key line.")
    offered_host_key = models.CharField(max_length=2000, blank=True, help_text="What the host showed last.")
    restart_quiet = models.PositiveIntegerField(
        default=USUAL.quiet, help_text="Seconds without a change before what reads it restarts."
    )
    restart_apart = models.PositiveIntegerField(
        default=USUAL.apart, help_text="Seconds between two restarts, unless it is urgent."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [
            models.UniqueConstraint(fields=["host", "port", "path", "branch"], name="branch_connected_once"),
            models.CheckConstraint(condition=models.Q(port__range=(1, 65535)), name="repository_has_a_port"),
            named("host", "repository_has_a_host"),
            named("path", "repository_has_a_path"),
            one_of("repository", "kind", "relay", "zone"),
            models.CheckConstraint(
                condition=models.Q(kind="relay", domain__isnull=False) | models.Q(kind="zone", domain=None),
                name="a_relay_holds_one_domain_and_zones_are_many",
            ),
            one_of("repository", "reload", "hand", "sandbox"),
            models.CheckConstraint(
                condition=models.Q(restart_quiet__lte=LONGEST_QUIET)
                & models.Q(restart_apart__range=(SHORTEST_APART, LONGEST_APART)),
                name="repository_has_a_pace",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.username}@{self.host}:{self.path}#{self.branch}"

    @property
    def pace(self) -> Pace:
        """Of the restarts of what reads it."""
        return Pace(quiet=self.restart_quiet, apart=self.restart_apart)

    @property
    def remote(self) -> str:
        """Its address as git takes it. A relative path begins in the account's home."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = self.path if self.path.startswith("/") else f"/~/{self.path}"
        return f"ssh://{self.username}@{host}:{self.port}{path}"

    @property
    def short_name(self) -> str:
        return self.path.rstrip("/").rsplit("/", 1)[-1]
