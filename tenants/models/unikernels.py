"""Unikernels: one desired instance of an image in an organization's part of a host."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import named


class Unikernel(models.Model):
    """What should run. `generation` is its sync target's when it was changed last.

    `ended_*` say that this very wish was tried and ended by itself: it is tried again when somebody asks.
    """

    share = models.ForeignKey("tenants.HostShare", on_delete=models.PROTECT, related_name="unikernels")
    name = models.CharField(max_length=63, help_text="Its label on the host.")
    image = models.ForeignKey("tenants.Image", on_delete=models.PROTECT, related_name="unikernels")
    memory = models.PositiveIntegerField(default=32, help_text="In MB.")
    cpuid = models.PositiveSmallIntegerField(default=0)
    networks = models.JSONField(default=list, help_text="[device of the image, id of a network] each.")
    blocks = models.JSONField(default=list, help_text="[device of the image, label of a volume] each.")
    arguments = models.JSONField(default=list, help_text="With references like {secret:seed}.")
    restart_on_exit = models.JSONField(
        null=True,
        help_text="Null: never. A list of exit codes; an empty one means all that albatross restarts.",
    )
    startup = models.PositiveSmallIntegerField(
        default=50, help_text="Order of start on the host, lower first."
    )
    add_name = models.BooleanField(
        null=True,
        default=False,
        help_text="Albatross puts --name in front of the arguments. Null: not known, as it was taken over.",
    )
    running = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(null=True)
    generation = models.BigIntegerField(default=0)
    ended_generation = models.BigIntegerField(default=0, help_text="The wish that ended by itself; else 0.")
    ended_words = models.TextField(blank=True, help_text="What its console said last.")
    changed_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["share", "name"], name="unikernel_named_once"),
            models.CheckConstraint(condition=Q(memory__gte=1), name="unikernel_has_memory"),
            named("name", "unikernel_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ended(self) -> bool:
        """Did what is asked for now end by itself?"""
        return bool(self.ended_generation) and self.ended_generation >= self.generation

    @property
    def full_name(self) -> str:
        """As albatross writes it."""
        return f"{self.share.prefix}{self.name}"


class UnikernelSecret(models.Model):
    """A value that an argument refers to: sealed to the workers. On the host it is in the clear."""

    unikernel = models.ForeignKey(Unikernel, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=40)
    sealed_value = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unikernel", "name"], name="secret_named_once"),
            named("name", "secret_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
