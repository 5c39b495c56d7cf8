"""The canary of a mail stack: its address, its rounds, and what is kept of them: tenants.formats.canary."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import named, one_of, small
from tenants.models.sync import LONG_AGO

_WAYS = ("in", "out")
_WAY_CHOICES = [("in", "into the domain"), ("out", "out of the domain")]
_STANDINGS = [("new", "not known yet"), ("works", "works"), ("failing", "fails")]
_VERDICTS = [
    ("asked", "not begun"),
    ("waiting", "under way"),
    ("proved", "arrived"),
    ("failed", "failed"),
    ("unknown", "not found out"),
]
_PARTS = ("dial", "banner", "tls", "auth", "accepted", "arrived")
_PART_CHOICES = [
    ("dial", "connecting"),
    ("banner", "the greeting"),
    ("tls", "TLS"),
    ("auth", "signing in"),
    ("accepted", "taking the message"),
    ("arrived", "arriving"),
]


class Canary(models.Model):
    """An address of a domain that belongs to no person: workers write to it and from it.

    It is no mailbox: it is in no list, counts in no quota and is not deleted by hand. Its entry in the relay
    repository is written with those of mailboxes. `sealed_secret` is its passphrase, for workers only.
    `home` is where its mail arrives, to be read by workers; empty: nobody can see it arrive.
    """

    stack = models.OneToOneField("tenants.Stack", on_delete=models.CASCADE, related_name="canary")
    local_part = models.CharField(max_length=64)
    sealed_secret = models.BinaryField()
    home = models.CharField(max_length=254, blank=True)
    generation = models.BigIntegerField(
        default=0, help_text="Of the relay's sync target, when this changed last."
    )
    made_at = models.DateTimeField()
    next_look_at = models.DateTimeField(default=LONG_AGO)
    claimed_until = models.DateTimeField(default=LONG_AGO)

    class Meta:
        verbose_name_plural = "canaries"
        constraints = [small("local_part", "canary_is_in_lower_case")]
        indexes = [models.Index(fields=["next_look_at"])]

    def __str__(self) -> str:
        return f"{self.local_part}@{self.stack.domain}"


class CanaryWay(models.Model):
    """How one way of a canary stands. `recent` are its last judged rounds, the newest last, true for good."""

    canary = models.ForeignKey(Canary, on_delete=models.CASCADE, related_name="ways")
    way = models.CharField(max_length=3, choices=_WAY_CHOICES)
    standing = models.CharField(max_length=7, choices=_STANDINGS, default="new")
    since = models.DateTimeField(help_text="Of the standing.")
    recent = models.JSONField(default=list)
    judged_at = models.DateTimeField(null=True, help_text="When a round said something, last.")
    proved_at = models.DateTimeField(null=True, help_text="When a message arrived, last.")
    latency = models.PositiveIntegerField(null=True, help_text="Of that message, in milliseconds.")
    problem = models.CharField(max_length=300, blank=True, help_text="Of the last round, if it failed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["canary", "way"], name="canary_goes_each_way_once"),
            one_of("canary_way", "way", *_WAYS),
            one_of("canary_way", "standing", "new", "works", "failing"),
        ]

    def __str__(self) -> str:
        return f"{self.canary}, {self.get_way_display()}: {self.get_standing_display()}"


class CanaryRound(models.Model):
    """One message one way. `tag` is in the message, and nobody else can know it before it is sent.

    With `asked_at` it is a letter that a person follows: it counts in no standing and no history, and what
    was said of it on its way is kept: `answers` are `[milliseconds, what was asked, what the server said]`
    each, `headers` `[name, text]`, the last server's first. `source` is where we sent from, "address:port",
    `release` what had the traffic then.
    """

    canary = models.ForeignKey(Canary, on_delete=models.CASCADE, related_name="rounds")
    way = models.CharField(max_length=3, choices=_WAY_CHOICES)
    tag = models.CharField(max_length=40, unique=True)
    began_at = models.DateTimeField()
    verdict = models.CharField(max_length=7, choices=_VERDICTS, default="waiting")
    took = models.JSONField(default=dict, help_text="Milliseconds of each part that was reached.")
    failed = models.CharField(
        max_length=8, blank=True, choices=_PART_CHOICES, help_text="The part at which it ended."
    )
    problem = models.CharField(max_length=300, blank=True)
    latency = models.PositiveIntegerField(
        null=True, help_text="From the first byte to its arrival, in milliseconds."
    )
    asked_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, help_text="Of a letter: when its verdict was found.")
    release = models.ForeignKey("tenants.Release", on_delete=models.CASCADE, null=True, related_name="+")
    source = models.CharField(max_length=60, blank=True)
    answers = models.JSONField(default=list)
    headers = models.JSONField(default=list)

    class Meta:
        constraints = [
            one_of("canary_round", "way", *_WAYS),
            one_of("canary_round", "verdict", "asked", "waiting", "proved", "failed", "unknown"),
            one_of("canary_round", "failed", "", *_PARTS),
            named("tag", "canary_round_has_a_tag"),
        ]
        indexes = [models.Index(fields=["canary", "-began_at"])]

    def __str__(self) -> str:
        return f"{self.tag}: {self.get_verdict_display()}"

    @property
    def is_over(self) -> bool:
        return self.verdict not in ("asked", "waiting")


class CanarySpan(models.Model):
    """An hour or a day of one way: for how many seconds it was proved to work, and for how many it failed."""

    canary = models.ForeignKey(Canary, on_delete=models.CASCADE, related_name="spans")
    way = models.CharField(max_length=3, choices=_WAY_CHOICES)
    length = models.CharField(max_length=4, choices=[("hour", "hour"), ("day", "day")])
    begins_at = models.DateTimeField()
    proved = models.FloatField(default=0)
    failed = models.FloatField(default=0)
    rounds = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0, help_text="Rounds that failed.")
    slowest = models.PositiveIntegerField(null=True, help_text="Milliseconds until one arrived.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["canary", "way", "length", "begins_at"], name="canary_span_begins_once"
            ),
            one_of("canary_span", "way", *_WAYS),
            one_of("canary_span", "length", "hour", "day"),
            models.CheckConstraint(
                condition=Q(proved__gte=0, failed__gte=0), name="canary_span_counts_no_time_backwards"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.length} of {self.begins_at:%Y-%m-%d %H:%M}"


class CanaryOutage(models.Model):
    """One way failed from the first bad round to the first good one; without an end it still does."""

    canary = models.ForeignKey(Canary, on_delete=models.CASCADE, related_name="outages")
    way = models.CharField(max_length=3, choices=_WAY_CHOICES)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    part = models.CharField(max_length=8, choices=_PART_CHOICES, help_text="At which the first round ended.")
    problem = models.CharField(max_length=300, help_text="What the first round said.")

    class Meta:
        constraints = [
            one_of("canary_outage", "way", *_WAYS),
            one_of("canary_outage", "part", *_PARTS),
            models.UniqueConstraint(
                fields=["canary", "way"], condition=Q(ended_at=None), name="canary_fails_once_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["canary", "-began_at"])]

    def __str__(self) -> str:
        return f"{self.get_way_display()} since {self.began_at:%Y-%m-%d %H:%M}"
