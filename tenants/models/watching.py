"""What `manage.py watch` saw of unikernels: consoles, measurements, ends. None of it is desired state."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.sync import LONG_AGO

LONGEST_LINE = 600


class HostWatch(models.Model):
    """Who watches a host: a lease by compare-and-set, and how that goes."""

    host = models.OneToOneField("tenants.Host", on_delete=models.CASCADE, related_name="watch")
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(default=LONG_AGO)
    fence = models.BigIntegerField(default=0)
    looked_at = models.DateTimeField(null=True, help_text="When what runs there was read last.")
    problem = models.CharField(max_length=500, blank=True, help_text="Why it is not watched; empty if it is.")
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=LONG_AGO)

    class Meta:
        verbose_name_plural = "host watches"

    def __str__(self) -> str:
        return f"watch of {self.host}"


class UnikernelWatch(models.Model):
    """How a unikernel was seen last: the next watcher goes on from there. Times are the host's."""

    unikernel = models.OneToOneField("tenants.Unikernel", on_delete=models.CASCADE, related_name="watch")
    running = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True, help_text="When its last known life began.")
    looked_at = models.DateTimeField(null=True)
    skipped = models.PositiveBigIntegerField(
        default=0, help_text="Lines that came too fast to be kept, all told."
    )
    told_at = models.DateTimeField(null=True, help_text="When people were last told of an end.")

    class Meta:
        verbose_name_plural = "unikernel watches"

    def __str__(self) -> str:
        return f"watch of {self.unikernel}"


class ConsoleLine(models.Model):
    """One line of a console: harmless text, secrets masked. `at` is when it came, by the host's clock."""

    id = models.BigAutoField(primary_key=True)
    unikernel = models.ForeignKey("tenants.Unikernel", on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField()
    text = models.CharField(max_length=LONGEST_LINE)

    class Meta:
        indexes = [models.Index(fields=["unikernel", "id"], name="line_of_unikernel")]

    def __str__(self) -> str:
        return self.text


class Sample(models.Model):
    """One measurement. `cpu`, `received` and `sent` only grow while a unikernel lives, so that dropping rows
    in between costs detail and no sum. Of each ten minutes the first is `lasting`."""

    id = models.BigAutoField(primary_key=True)
    unikernel = models.ForeignKey("tenants.Unikernel", on_delete=models.CASCADE, related_name="samples")
    at = models.DateTimeField(help_text="By our clock: albatross tells no time with it.")
    cpu = models.BigIntegerField(help_text="Microseconds, user and system together.")
    memory = models.BigIntegerField(help_text="Bytes in use.")
    received = models.BigIntegerField(help_text="Bytes, of all its network devices.")
    sent = models.BigIntegerField()
    lasting = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["unikernel", "at"], name="sample_of_unikernel")]

    def __str__(self) -> str:
        return f"{self.unikernel_id} at {self.at}"


class UnikernelExit(models.Model):
    """One end of a unikernel, by itself or by a command. With neither code nor signal it said no word."""

    unikernel = models.ForeignKey("tenants.Unikernel", on_delete=models.CASCADE, related_name="exits")
    at = models.DateTimeField(help_text="By the host's clock.")
    code = models.PositiveSmallIntegerField(null=True)
    signal = models.PositiveSmallIntegerField(null=True)
    restarted = models.BooleanField(default=False, help_text="Albatross starts it again after this.")
    words = models.CharField(max_length=LONGEST_LINE, blank=True, help_text="What it said before.")

    class Meta:
        indexes = [models.Index(fields=["unikernel", "at"], name="exit_of_unikernel")]
        constraints = [
            models.CheckConstraint(condition=Q(code=None) | Q(signal=None), name="exit_by_code_or_signal")
        ]

    def __str__(self) -> str:
        return f"{self.unikernel_id} at {self.at}"
