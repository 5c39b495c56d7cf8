"""Jobs of builds servers that are watched, and the newer builds that they propose."""

from __future__ import annotations

from django.db import models

from tenants.formats.builds import Job
from tenants.models.checks import one_of, small
from tenants.models.sync import LONG_AGO


class ImageFeed(models.Model):
    """A job that is looked at from time to time. What was found newest stays, whatever is decided about it:
    nothing older is ever proposed."""

    class State(models.TextChoices):
        NOTHING = "nothing", "no build seen yet"
        PROPOSED = "proposed", "a newer build"
        TAKEN = "taken", "asked for"
        IGNORED = "ignored", "ignored"
        THERE = "there", "the newest is here"

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="image_feeds"
    )
    server = models.CharField(max_length=253, help_text="Its host name.")
    job = models.CharField(max_length=100)
    platform = models.CharField(max_length=60, blank=True, help_text="Empty: any.")
    role = models.CharField(max_length=20)
    era = models.CharField(max_length=40, blank=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.NOTHING)
    build = models.CharField(max_length=36, blank=True, help_text="UUID of the newest build.")
    file_name = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(null=True, help_text="In bytes.")
    built_at = models.DateTimeField(null=True)
    fetch = models.ForeignKey(
        "tenants.ImageFetch", on_delete=models.SET_NULL, null=True, related_name="feeds"
    )

    problem = models.CharField(max_length=500, blank=True, help_text="Of the last look.")
    fix = models.CharField(max_length=300, blank=True)
    looked_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(default=LONG_AGO)
    claimed_until = models.DateTimeField(default=LONG_AGO)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "server", "job", "platform"], name="job_is_watched_once"
            ),
            small("server", "image_feed_has_a_small_server"),
            one_of("image_feed", "state", "nothing", "proposed", "taken", "ignored", "there"),
        ]
        indexes = [models.Index(fields=["next_look_at"])]

    def __str__(self) -> str:
        return f"{self.job} of {self.server}"

    @property
    def place(self) -> Job:
        return Job(self.server, self.job, self.platform)
