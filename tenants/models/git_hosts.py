"""How the git host of a repository is set up, as a worker saw it last, and what a person asked of it."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of
from tenants.models.sync import LONG_AGO


class HostSetup(models.Model):
    """A look at the git host, the plan that followed, and what became of it.

    `steps` are `{"sentence", "command"}`, in order; `plan` identifies exactly these. Nothing is done before a
    person agreed to it (`agreed`). `keys` are `{"key", "writes"}`: public keys that shall reach this
    repository alone.
    """

    class Ask(models.TextChoices):
        NOTHING = "", "nothing"
        LOOK = "look", "look"
        PREPARE = "prepare", "set it up"

    class State(models.TextChoices):
        UNKNOWN = "unknown", "not looked at yet"
        READY = "ready", "set up as it should be"
        TODO = "todo", "something is to be done"
        BY_HAND = "by_hand", "somebody with a shell there has to do it"
        FAILED = "failed", "the look did not succeed"

    repository = models.OneToOneField(
        "tenants.Repository", on_delete=models.CASCADE, related_name="host_setup"
    )
    asked = models.CharField(max_length=10, choices=Ask.choices, blank=True)
    agreed = models.CharField(max_length=64, blank=True, help_text="The plan that a person agreed to.")
    keys = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNKNOWN)
    sentence = models.TextField(blank=True, help_text="What a person reads first.")
    right = models.JSONField(default=list, help_text="Sentences about what is as it should be.")
    problems = models.JSONField(default=list, help_text="Sentences about what only a person can change.")
    steps = models.JSONField(default=list)
    plan = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(default=LONG_AGO)

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
