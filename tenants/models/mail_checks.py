"""What was found out about whether the mail of a domain works, how that changed, and what is muted."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from tenants.models.checks import named, one_of
from tenants.models.sync import LONG_AGO

LEVELS = ("ok", "info", "recommended", "waiting", "unknown", "warn", "fail")
_CHOICES = [(level, level) for level in LEVELS]


class MailCheck(models.Model):
    """When a domain is looked at, and what is expected of it.

    `wanted` are the checks (by id) that somebody wants done again before the next look at all of them.
    `dns_elsewhere`: the domain's DNS is not what Rookery keeps, although there may be a zone.
    """

    domain = models.OneToOneField("tenants.Domain", on_delete=models.CASCADE, related_name="mail_check")
    dns_elsewhere = models.BooleanField(default=False)
    wanted = models.JSONField(default=list)
    looked_at = models.DateTimeField(null=True, help_text="When all checks were done last.")
    next_look_at = models.DateTimeField(default=LONG_AGO)
    claimed_until = models.DateTimeField(default=LONG_AGO)

    class Meta:
        indexes = [models.Index(fields=["next_look_at"])]

    def __str__(self) -> str:
        return f"checks of {self.domain}"

    def is_awaited(self, now: datetime) -> bool:
        """Whether a look is wanted, due or going on."""
        return self.next_look_at <= now or self.claimed_until > now


class CheckLine(models.Model):
    """One line of the checks as it was found last; `line` names it from one look to the next.

    `times` counts the looks that found this level in a row. `told` is the level that people were told last,
    empty before the first look at all.
    """

    check_of = models.ForeignKey(MailCheck, on_delete=models.CASCADE, related_name="lines")
    line = models.CharField(max_length=400)
    position = models.PositiveIntegerField()
    level = models.CharField(max_length=12, choices=_CHOICES)
    sentence = models.TextField()
    seen = models.JSONField(default=list)
    wanted = models.JSONField(default=list)
    who = models.CharField(max_length=60, blank=True)
    fix = models.TextField(blank=True)
    until = models.DateTimeField(null=True, help_text="When the last old answer is forgotten.")
    since = models.DateTimeField()
    looked_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    told = models.CharField(max_length=12, blank=True, choices=_CHOICES)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_of", "line"], name="line_of_checks_is_there_once"),
            named("line", "line_of_checks_has_a_name"),
            one_of("check_line", "level", *LEVELS),
            one_of("check_line", "told", "", *LEVELS),
            models.CheckConstraint(
                condition=Q(level="waiting", until__isnull=False) | (~Q(level="waiting") & Q(until=None)),
                name="only_what_is_on_its_way_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.line

    @property
    def check_name(self) -> str:
        """The id of the check that found it."""
        return self.line.partition(":")[0]


class CheckChange(models.Model):
    """That a line became better or worse. Empty: it was not there."""

    check_of = models.ForeignKey(MailCheck, on_delete=models.CASCADE, related_name="changes")
    line = models.CharField(max_length=400)
    before = models.CharField(max_length=12, blank=True, choices=_CHOICES)
    after = models.CharField(max_length=12, blank=True, choices=_CHOICES)
    sentence = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            one_of("check_change", "before", "", *LEVELS),
            one_of("check_change", "after", "", *LEVELS),
        ]
        indexes = [models.Index(fields=["check_of", "-at"])]

    def __str__(self) -> str:
        return f"{self.line}: {self.before} → {self.after}"


class CheckMute(models.Model):
    """A line that is known to be so: it is shown, but counts and is mailed no more until the mute ends."""

    check_of = models.ForeignKey(MailCheck, on_delete=models.CASCADE, related_name="mutes")
    line = models.CharField(max_length=400)
    reason = models.CharField(max_length=200)
    until = models.DateTimeField()
    muted_by = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_of", "line"], name="line_is_muted_once"),
            named("line", "mute_names_its_line"),
            named("reason", "mute_has_a_reason"),
        ]

    def __str__(self) -> str:
        return self.line
