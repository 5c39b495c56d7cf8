"""A stranger's wish for an address, waiting for the holder of the target and for the domain's owner."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import one_of
from tenants.models.fields import ByteOrdered

_OPEN = ("asked", "confirmed")
_CONFIRMED_ENDS = ("approved", "refused", "lapsed")
_DECIDED = (*_CONFIRMED_ENDS, "withdrawn", "expired")


class AddressRequest(models.Model):
    """Ends as approved, refused, withdrawn, taken, expired or lapsed; then its passphrase's hash is gone."""

    class Status(models.TextChoices):
        ASKED = "asked", "asked"
        CONFIRMED = "confirmed", "waiting for a decision"
        APPROVED = "approved", "approved"
        REFUSED = "refused", "refused"
        WITHDRAWN = "withdrawn", "taken back"
        TAKEN = "taken", "the address cannot be had"
        EXPIRED = "expired", "not confirmed in time"
        LAPSED = "lapsed", "not decided in time"

    OPEN = (Status.ASKED, Status.CONFIRMED)
    # Neither a yes nor a no came of these.
    ENDED_OTHERWISE = (Status.WITHDRAWN, Status.TAKEN, Status.EXPIRED, Status.LAPSED)

    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, related_name="address_requests")
    local_part = ByteOrdered(max_length=64)
    target = ByteOrdered(max_length=254)
    sealed_hash = models.BinaryField(null=True)
    message = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ASKED)
    reason = models.CharField(max_length=500, blank=True)
    waits_because = models.CharField(
        max_length=500, blank=True, help_text="Why no rule said yes, or why it cannot be had. For deciders."
    )
    given_to = models.CharField(
        max_length=254, blank=True, help_text="Whom a rule gave it to, as the rule counts; else empty."
    )
    invitation = models.ForeignKey(
        "tenants.Invitation", on_delete=models.SET_NULL, null=True, blank=True, related_name="requests"
    )
    confirm_digest = models.CharField(max_length=64, unique=True, help_text="Of the token in the mail.")
    page_digest = models.CharField(max_length=64, unique=True, help_text="Of the token of the timeline.")
    account = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, blank=True)
    decided_by = models.ForeignKey(
        "tenants.Account", on_delete=models.SET_NULL, null=True, blank=True, related_name="decisions"
    )
    mailbox = models.OneToOneField(
        "tenants.Mailbox", on_delete=models.SET_NULL, null=True, blank=True, related_name="request"
    )
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True, help_text="When deciders are reminded next.")
    decide_by = models.DateTimeField(null=True, blank=True, help_text="When it lapses; never when empty.")

    class Meta:
        constraints = [
            one_of("request", "status", *_OPEN, "taken", *_DECIDED),
            models.CheckConstraint(
                condition=Q(status__in=_OPEN) | Q(sealed_hash__isnull=True),
                name="ended_request_has_no_passphrase",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["asked", "expired"], confirmed_at__isnull=True)
                | Q(status__in=["confirmed", "taken", *_CONFIRMED_ENDS], confirmed_at__isnull=False)
                | Q(status="withdrawn"),
                name="request_is_confirmed_before_it_is_decided",
            ),
            models.CheckConstraint(
                condition=Q(status__in=_DECIDED, decided_at__isnull=False)
                | (~Q(status__in=_DECIDED) & Q(decided_at__isnull=True, decided_by__isnull=True)),
                name="request_has_a_time_when_it_ended",
            ),
            models.CheckConstraint(
                condition=~Q(status="refused") | ~Q(reason=""), name="refused_request_has_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["domain", "status", "-id"]),
            models.Index(fields=["status", "-id"]),
            models.Index(fields=["status", "asked_at"]),
            # What waits, the oldest first: in a domain, and for those who see all.
            models.Index(
                fields=["domain", "confirmed_at", "id"],
                condition=Q(status="confirmed"),
                name="requests_that_wait",
            ),
            models.Index(
                fields=["confirmed_at", "id"], condition=Q(status="confirmed"), name="all_requests_that_wait"
            ),
            models.Index(fields=["domain", "-id"]),
            models.Index(fields=["domain", "local_part"]),
            models.Index(fields=["domain", "target"]),
            models.Index(fields=["local_part"]),
            models.Index(fields=["target"]),
            models.Index(fields=["status", "remind_at"]),
            models.Index(fields=["status", "decide_by"]),
            models.Index(fields=["domain", "given_to"]),
        ]

    def __str__(self) -> str:
        return f"{self.address}, {self.get_status_display()}"

    @property
    def address(self) -> str:
        """What was asked for."""
        return f"{self.local_part}@{self.domain.name}"


class DecisionLink(models.Model):
    """What a decider's mail carries: with it this one member decides this one request, once.

    Only its digest is kept; the row goes when the request ends.
    """

    request = models.ForeignKey(AddressRequest, on_delete=models.CASCADE, related_name="decision_links")
    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="decision_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "account"], name="newest_mail_has_the_decision_link")
        ]
        indexes = [models.Index(fields=["expires_at"])]

    def __str__(self) -> str:
        return f"{self.account} about {self.request_id}"
