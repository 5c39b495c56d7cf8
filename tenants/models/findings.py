"""What stands outside otherwise than Rookery has it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import one_of
from tenants.models.fields import ByteOrdered


class Finding(models.Model):
    """One unit of a sync target that was left alone, and why; a person may decide what becomes of it.

    Workers write the rows, one per unit; a row goes when both sides agree. A decision means exactly the
    bytes that were seen (`outside_id`): when they change, the row is new and the decision is gone.
    """

    class Kind(models.TextChoices):
        FOREIGN = "foreign", "not made by Rookery"
        SKIPPED = "skipped", "skipped by the mail servers"
        DRIFT = "drift", "changed outside"
        CONFLICT = "conflict", "changed outside and here"
        UNSAFE = "unsafe", "not written, because ptt would mishandle it"

    class Decision(models.TextChoices):
        ADOPT = "adopt", "take over what is outside"
        REPAIR = "repair", "write what Rookery has"

    REPAIRABLE = (Kind.DRIFT, Kind.CONFLICT)

    target = models.ForeignKey("tenants.SyncTarget", on_delete=models.CASCADE, related_name="findings")
    unit = ByteOrdered(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    sentence = models.CharField(max_length=500)
    outside = models.TextField(null=True, help_text="What is there, secrets masked; null: nothing.")  # noqa: DJ001
    ours = models.TextField(null=True, help_text="What Rookery has, secrets masked; null: nothing.")  # noqa: DJ001
    outside_id = models.CharField(max_length=64, blank=True, help_text="Identifies the exact bytes there.")
    hosts = models.TextField(blank=True, help_text="Domains of the targets outside, a space around each.")
    takeable = models.BooleanField(help_text="Rookery could hold what is outside.")
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    since = models.DateTimeField()

    class Meta:
        ordering = ["unit"]
        constraints = [
            one_of("finding", "kind", "foreign", "skipped", "drift", "conflict", "unsafe"),
            one_of("finding", "decision", "", "adopt", "repair"),
            models.UniqueConstraint(fields=["target", "unit"], name="one_finding_per_unit"),
            models.CheckConstraint(
                condition=~Q(decision="adopt") | Q(takeable=True), name="only_takeable_findings_are_adopted"
            ),
        ]
        indexes = [
            models.Index(fields=["target", "kind", "unit"]),
            models.Index(
                fields=["target", "kind", "unit"], condition=Q(takeable=True), name="findings_takeable"
            ),
            models.Index(
                fields=["target", "kind", "unit"], condition=Q(takeable=False), name="findings_not_takeable"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.get_kind_display()}"

    @property
    def repairable(self) -> bool:
        return self.kind in self.REPAIRABLE
