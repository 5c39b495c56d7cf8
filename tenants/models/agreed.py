"""What is planned for a machine, shown to a person, and done by a worker only as it was agreed to."""

from __future__ import annotations

from django.db import models

from tenants.models.sync import LONG_AGO


class AgreedPlan(models.Model):
    """A look at a machine, the plan that followed, and what became of it.

    `steps` are rows with a `command` each, in order; `plan` identifies exactly these. Nothing is done before
    a person agreed to it (`agreed`).
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

    asked = models.CharField(max_length=10, choices=Ask.choices, blank=True)
    agreed = models.CharField(max_length=64, blank=True, help_text="The plan that a person agreed to.")
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
        abstract = True
