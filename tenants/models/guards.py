"""What workers looked up about where mail goes, and what they found worth a warning."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import one_of, small
from tenants.models.sync import LONG_AGO


class TargetDomain(models.Model):
    """Where the mail of one target domain goes, as the DNS last said; shared by everybody who targets it.

    The last answer stays while the DNS is silent. `review_due`: addresses that depend on it are to be looked
    at again.
    """

    class Answer(models.TextChoices):
        UNKNOWN = "", "not answered yet"
        EXCHANGES = "exchanges", "has mail servers"
        ADDRESS_ONLY = "address_only", "has no MX record, only an address"
        NOTHING = "nothing", "has neither MX record nor address"
        NO_MAIL = "no_mail", "takes no mail"
        NO_DOMAIN = "no_domain", "does not exist"

    class Dmarc(models.TextChoices):
        ABSENT = "", "no policy"
        NONE = "none", "none"
        QUARANTINE = "quarantine", "quarantine"
        REJECT = "reject", "reject"

    name = models.CharField(max_length=254, unique=True)
    answer = models.CharField(max_length=20, choices=Answer.choices, blank=True)
    hosts = models.JSONField(default=list, help_text="Names of its mail servers, the best first.")
    addresses = models.JSONField(default=list, help_text="All addresses of those, sorted.")
    dmarc = models.CharField(max_length=10, choices=Dmarc.choices, blank=True)
    organization = models.ForeignKey(
        "tenants.Organization",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who asked first: look-ups are shared out among organizations.",
    )
    wanted_at = models.DateTimeField()
    looked_up_at = models.DateTimeField(null=True, help_text="When the DNS answered last.")
    next_look_at = models.DateTimeField(default=LONG_AGO)
    claimed_until = models.DateTimeField(default=LONG_AGO)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    problem = models.CharField(max_length=200, blank=True, help_text="Why the last look-up gave no answer.")
    review_due = models.PositiveIntegerField(default=0, help_text="How often that was asked for.")
    reviewed_to = models.BigIntegerField(default=0, help_text="Addresses up to this id were looked at again.")

    class Meta:
        constraints = [
            small("name", "target_domain_is_in_lower_case"),
            one_of(
                "target_domain",
                "answer",
                "",
                "exchanges",
                "address_only",
                "nothing",
                "no_mail",
                "no_domain",
            ),
            one_of("target_domain", "dmarc", "", "none", "quarantine", "reject"),
            models.CheckConstraint(
                condition=Q(looked_up_at__isnull=True, answer="")
                | Q(looked_up_at__isnull=False) & ~Q(answer=""),
                name="an_answer_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["next_look_at"]),
            models.Index(fields=["name"], condition=Q(review_due__gt=0), name="target_domain_to_review"),
        ]

    def __str__(self) -> str:
        return self.name


class AddressWarning(models.Model):
    """Something about one address that a person should know; workers write and take back the rows."""

    class Kind(models.TextChoices):
        SHARED_EXCHANGE = "shared-exchange", "two targets have the same mail server"
        LOOP = "loop", "mail goes round in a circle"
        REUSED_PASSPHRASE = "reused-passphrase", "the passphrase is used elsewhere too"

    mailbox = models.ForeignKey("tenants.Mailbox", on_delete=models.CASCADE, related_name="warnings")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    sentence = models.CharField(max_length=1000)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "kind"], name="one_warning_of_a_kind_per_address"),
            one_of("address_warning", "kind", "shared-exchange", "loop", "reused-passphrase"),
        ]

    def __str__(self) -> str:
        return f"{self.mailbox}: {self.get_kind_display()}"
