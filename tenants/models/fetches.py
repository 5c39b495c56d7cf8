"""Build servers that images may come from, and images that are being fetched from them."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of, small
from tenants.models.sync import LONG_AGO


class BuildServer(models.Model):
    """A web server that images may be fetched from; operators keep the list for the whole installation."""

    name = models.CharField(max_length=253, unique=True, help_text="Its host name.")
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [small("name", "build_server_has_a_small_name")]

    def __str__(self) -> str:
        return self.name


class ImageFetch(models.Model):
    """An image that somebody asked to fetch: a worker does it once, and what became of it is shown."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for a worker"
        RUNNING = "running", "is being fetched"
        DONE = "done", "fetched"
        FAILED = "failed", "failed"

    UNFINISHED = (State.WAITING, State.RUNNING)

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="image_fetches"
    )
    url = models.CharField(max_length=2000)
    name = models.CharField(max_length=100, help_text="What the image will be called.")
    role = models.CharField(max_length=20)
    era = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, help_text="That it must have; empty: any.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    received = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    length = models.PositiveBigIntegerField(null=True, help_text="In bytes, where the server says so.")
    problem = models.CharField(max_length=500, blank=True)
    fix = models.CharField(max_length=300, blank=True)
    image = models.ForeignKey("tenants.Image", on_delete=models.SET_NULL, null=True, related_name="fetches")
    tries = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(default=LONG_AGO)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "image fetches"
        constraints = [one_of("image_fetch", "state", "waiting", "running", "done", "failed")]
        indexes = [models.Index(fields=["state", "claimed_until"])]

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        return self.state not in self.UNFINISHED
