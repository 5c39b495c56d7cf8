"""Which unikernels read a relay repository, and how far they have read it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from tenants.models.checks import one_of


class RepositoryReader(models.Model):
    """A unikernel that reads a repository when it starts, and only then.

    `wanted_commit` is what was proved in the branch, `read_commit` what it started with; it waits for a
    restart while they differ. Before a restart is sent, `sent_commit` and `sent_started` are written: when
    the host was away meanwhile, another start than that one shows that it was carried out.
    """

    class Role(models.TextChoices):
        SUBMISSION = "submission", "submission"
        RELAY = "relay", "relay"

    class Serving(models.TextChoices):
        """Whether it answers on the port of its role. Empty: it was not restarted yet."""

        YES = "yes", "answers"
        NO = "no", "does not answer"
        NOT_PROBED = "not_probed", "not probed"

    WAITING = ~Q(wanted_commit="") & ~Q(wanted_commit=F("read_commit"))

    repository = models.ForeignKey("tenants.Repository", on_delete=models.CASCADE, related_name="readers")
    unikernel = models.OneToOneField("tenants.Unikernel", on_delete=models.CASCADE, related_name="reads")
    role = models.CharField(max_length=12, choices=Role.choices)
    wanted_commit = models.CharField(max_length=64, blank=True)
    changed_at = models.DateTimeField(null=True, help_text="When the wanted commit was proved.")
    waiting_since = models.DateTimeField(null=True, help_text="Since the first change that it has not read.")
    due_at = models.DateTimeField(null=True, help_text="Not before this it is restarted.")
    urgent = models.BooleanField(default=False)
    held = models.CharField(max_length=500, blank=True, help_text="Why it does not restart although due.")
    sent_commit = models.CharField(max_length=64, blank=True)
    sent_started = models.DateTimeField(null=True, help_text="Its start before, by the host's clock.")
    read_commit = models.CharField(max_length=64, blank=True)
    restarted_at = models.DateTimeField(null=True)
    serving = models.CharField(
        max_length=12, choices=Serving.choices, blank=True, help_text="What was found of its port since."
    )
    serving_why = models.CharField(max_length=300, blank=True, help_text="Why it is not known to serve.")

    class Meta:
        constraints = [
            one_of("reader", "role", "submission", "relay"),
            one_of("reader", "serving", "", "yes", "no", "not_probed"),
        ]

    def __str__(self) -> str:
        return f"{self.unikernel} reads {self.repository}"

    @property
    def is_waiting(self) -> bool:
        return bool(self.wanted_commit) and self.wanted_commit != self.read_commit

    @property
    def silence(self) -> str:
        """A sentence about a server that does not answer; "" for none."""
        if self.serving != self.Serving.NO:
            return ""
        return f"{self.unikernel} does not answer since its restart: {self.serving_why}."

    @property
    def should_run(self) -> bool:
        return self.unikernel.running and self.unikernel.deleted_at is None
