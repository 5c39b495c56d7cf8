"""Sync targets, and what the controller records about them: conditions, runs, steps, evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from tenants.models.checks import one_of

if TYPE_CHECKING:
    from tenants.models.firewalls import Firewall
    from tenants.models.hosts import HostShare
    from tenants.models.repositories import Repository
    from tenants.models.stacks import Stack
    from tenants.models.update_servers import UpdateServer

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class SyncTarget(models.Model):
    """One external place kept in agreement with desired state.

    The row is the outbox: `generation` counts what was asked for, `observed_generation` what was last
    proved to be there. Lease and fence let one worker at a time act, by compare-and-set alone.
    """

    class Kind(models.TextChoices):
        RELAY_REPOSITORY = "relay_repository", "relay repository"
        ZONE_REPOSITORY = "zone_repository", "zone repository"
        DYNAMIC_UPDATE = "dynamic_update", "name server with dynamic updates"
        ALBATROSS_HOST = "albatross_host", "albatross host"
        FIREWALL = "firewall", "firewall"
        STACK = "stack", "mail stack"

    class DriftMode(models.TextChoices):
        REPORT = "report", "report: show it, touch nothing"
        REPAIR = "repair", "repair: write what Rookery has"
        ADOPT = "adopt", "adopt: take it over into Rookery"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="sync_targets"
    )
    repository = models.OneToOneField(
        "tenants.Repository", on_delete=models.CASCADE, null=True, related_name="sync_target"
    )
    host_share = models.OneToOneField(
        "tenants.HostShare", on_delete=models.CASCADE, null=True, related_name="sync_target"
    )
    update_server = models.OneToOneField(
        "tenants.UpdateServer", on_delete=models.CASCADE, null=True, related_name="sync_target"
    )
    firewall = models.OneToOneField(
        "tenants.Firewall", on_delete=models.CASCADE, null=True, related_name="sync_target"
    )
    stack = models.OneToOneField(
        "tenants.Stack", on_delete=models.CASCADE, null=True, related_name="sync_target"
    )
    drift_mode = models.CharField(max_length=10, choices=DriftMode.choices, default=DriftMode.REPORT)

    generation = models.BigIntegerField(default=1)
    observed_generation = models.BigIntegerField(default=0)
    marked_at = models.DateTimeField(help_text="When the oldest change was asked for that is not proved yet.")
    observed_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(default=LONG_AGO)
    next_try_at = models.DateTimeField(default=LONG_AGO)
    failures = models.PositiveIntegerField(default=0)

    stop_code = models.CharField(max_length=40, blank=True, help_text="Why a person is needed; else empty.")
    stop_generation = models.BigIntegerField(default=0, help_text="What had been asked for when it stopped.")
    agreed_to = models.JSONField(default=list, help_text="Checksums that a person agreed to; used once.")
    proof = models.JSONField(default=dict, help_text="What was last proved outside, e.g. commit and tree.")
    held_since = models.DateTimeField(
        null=True,
        help_text="It came out of a backup: looked at, and not written to before a person says so.",
    )
    mode_before = models.CharField(
        max_length=10, choices=DriftMode.choices, blank=True, help_text="Its drift mode in the backup."
    )

    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(default=LONG_AGO)
    fence = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(observed_generation__lte=F("generation")), name="nothing_observed_before_asked"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("albatross_host", "dynamic_update", "firewall", "stack"))
                | Q(repository__isnull=False),
                name="target_has_its_repository",
            ),
            models.CheckConstraint(
                condition=~Q(kind="albatross_host") | Q(host_share__isnull=False),
                name="host_target_has_its_share",
            ),
            models.CheckConstraint(
                condition=~Q(kind="dynamic_update") | Q(update_server__isnull=False),
                name="dynamic_target_has_its_server",
            ),
            models.CheckConstraint(
                condition=~Q(kind="firewall") | Q(firewall__isnull=False),
                name="firewall_target_has_its_firewall",
            ),
            models.CheckConstraint(
                condition=~Q(kind="stack") | Q(stack__isnull=False), name="stack_target_has_its_stack"
            ),
            one_of(
                "sync_target",
                "kind",
                "relay_repository",
                "zone_repository",
                "dynamic_update",
                "albatross_host",
                "firewall",
                "stack",
            ),
            one_of("sync_target", "drift_mode", "report", "repair", "adopt"),
            one_of("sync_target", "mode_before", "", "report", "repair", "adopt"),
        ]
        indexes = [
            models.Index(fields=["next_try_at"]),
            models.Index(fields=["next_check_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.place}"

    @property
    def place(self) -> Repository | HostShare | UpdateServer | Firewall | Stack | None:
        """What is kept in agreement."""
        return self.repository or self.host_share or self.update_server or self.firewall or self.stack

    @property
    def in_agreement(self) -> bool:
        return self.observed_generation >= self.generation and not self.stop_code


class Condition(models.Model):
    """A named, dated, machine-readable statement about a sync target."""

    class Type(models.TextChoices):
        SYNCED = "Synced"
        REACHABLE = "Reachable"
        DRIFTED = "Drifted"
        CONFLICTED = "Conflicted"
        UNSAFE_ENTRIES = "UnsafeEntries"
        FOREIGN_ENTRIES = "ForeignEntries"
        RELOAD_PENDING = "ReloadPending"
        GROWING = "Growing"
        UNPROVED = "Unproved"
        ENDED = "Ended"
        MANY_ZONES = "ManyZones"
        SERVERS_APART = "ServersApart"
        CERTIFICATES = "Certificates"
        CANARY = "Canary"

    # Their details name units that were left as they are outside.
    LEFT_ALONE = (Type.DRIFTED, Type.CONFLICTED, Type.UNSAFE_ENTRIES)

    target = models.ForeignKey(SyncTarget, on_delete=models.CASCADE, related_name="conditions")
    type = models.CharField(max_length=30, choices=Type.choices)
    status = models.BooleanField()
    reason = models.CharField(max_length=60)
    message = models.TextField()
    details = models.JSONField(default=dict)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "type"], name="condition_once_per_target"),
            one_of(
                "condition",
                "type",
                "Synced",
                "Reachable",
                "Drifted",
                "Conflicted",
                "UnsafeEntries",
                "ForeignEntries",
                "ReloadPending",
                "Growing",
                "Unproved",
                "Ended",
                "ManyZones",
                "ServersApart",
                "Certificates",
                "Canary",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type}={self.status} ({self.reason})"


class Run(models.Model):
    """One pass of the controller over a target that had something to do, retries included."""

    class Mode(models.TextChoices):
        APPLY = "apply", "apply"
        PREVIEW = "preview", "preview"

    class State(models.TextChoices):
        QUEUED = "queued", "waiting for a worker"
        RUNNING = "running", "running"
        WAITING = "waiting", "will try again"
        STOPPED = "stopped", "needs a person"
        SUCCEEDED = "succeeded", "done"
        FAILED = "failed", "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING, State.WAITING, State.STOPPED)

    target = models.ForeignKey(SyncTarget, on_delete=models.CASCADE, related_name="runs", db_index=False)
    organization = models.ForeignKey(
        "tenants.Organization",
        on_delete=models.CASCADE,
        related_name="runs",
        db_index=False,
        help_text="Its target's; here for lists.",
    )
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.APPLY)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    generation = models.BigIntegerField(help_text="What this pass set out to prove.")
    title = models.CharField(max_length=200)
    outcome = models.CharField(max_length=60, blank=True, help_text="Machine-readable, e.g. unreachable.")
    advice = models.TextField(blank=True, help_text="What a person reads first.")
    attempts = models.PositiveIntegerField(default=0)
    plan = models.JSONField(default=dict, help_text="The masked plan, as shown.")
    plan_checksum = models.CharField(max_length=64, blank=True)
    agree_to = models.CharField(
        max_length=64, blank=True, help_text="What a person may agree to so that it goes on."
    )
    fence = models.BigIntegerField(default=0)
    asked_by = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, help_text="Since when somebody waits for what it proves; null if nobody asked."
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target"], condition=Q(mode="preview", state="queued"), name="one_preview_waits"
            ),
            one_of("run", "mode", "apply", "preview"),
            one_of("run", "state", "queued", "running", "waiting", "stopped", "succeeded", "failed"),
        ]
        indexes = [
            models.Index(fields=["target", "state", "mode", "generation", "id"]),
            models.Index(fields=["target", "mode", "state", "finished_at", "id"]),
            models.Index(fields=["organization", "-id"]),
            models.Index(fields=["organization", "state", "-id"]),
            models.Index(fields=["target", "-id"]),
            models.Index(fields=["state", "-id"]),
            models.Index(fields=["-created_at"]),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.title}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.organization_id:
            self.organization_id = self.target.organization_id
        super().save(*args, **kwargs)


class Step(models.Model):
    class State(models.TextChoices):
        PENDING = "pending", "not started"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        SKIPPED = "skipped", "not needed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    detail = models.TextField(blank=True)
    log = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["index"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="step_once_per_run"),
            one_of("step", "state", "pending", "running", "done", "failed", "skipped"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class Evidence(models.Model):
    """One fact read back from the outside: a commit, a tree, an entry count."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="evidence")
    name = models.CharField(max_length=40)
    value = models.CharField(max_length=300)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="evidence_once_per_run")]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"
