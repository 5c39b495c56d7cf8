"""Upgrades of mail stacks: from the release that serves to the next one, and how far each has come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import one_of
from tenants.models.stacks import PhaseRow, Release, Stack


class Upgrade(models.Model):
    """The way from `before` to `after`. Which of the two has the traffic, the stack's `release` says.

    While it is on its way, the unikernels of both are there. One that could not be ended otherwise goes back:
    `before` keeps the traffic or gets it again, and what was made beside it is removed.
    """

    class State(models.TextChoices):
        GOING = "going", "on its way"
        RETURNING = "returning", "being rolled back"
        DONE = "done", "done"
        RETURNED = "returned", "rolled back"

    stack = models.ForeignKey(Stack, on_delete=models.CASCADE, related_name="upgrades")
    before = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="left_by")
    after = models.OneToOneField(Release, on_delete=models.CASCADE, related_name="upgrade")
    state = models.CharField(max_length=10, choices=State.choices, default=State.GOING)
    reason = models.CharField(max_length=1000, blank=True, help_text="Why it goes back.")
    tries = models.PositiveSmallIntegerField(
        default=0, help_text="How often somebody asked for it to go back, or to go on with that."
    )
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["stack"],
                condition=Q(state__in=("going", "returning")),
                name="one_upgrade_at_a_time",
            ),
            one_of("upgrade", "state", "going", "returning", "done", "returned"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, state__in=("going", "returning"))
                | Q(ended_at__isnull=False, state__in=("done", "returned")),
                name="upgrade_ends_with_its_way",
            ),
        ]

    def __str__(self) -> str:
        return f"the upgrade of {self.stack.domain} to {self.after}"

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None


class UpgradePhase(PhaseRow):
    """A step of an upgrade; see tenants.formats.stacks.upgrade_phases."""

    upgrade = models.ForeignKey(Upgrade, on_delete=models.CASCADE, related_name="phases")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["upgrade", "name"], name="phase_once_per_upgrade"),
            one_of("upgrade_phase", "state", "pending", "doing", "proved", "failed", "leaving", "gone"),
        ]
