"""Organizations own domains; memberships say who may do what in them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from tenants.models.checks import named, one_of


class Organization(models.Model):
    """A tenant. Counts are kept beside their quotas so that one conditional update decides (see actions)."""

    name = models.CharField(max_length=100)
    domain_quota = models.PositiveIntegerField(default=10)
    domain_count = models.PositiveIntegerField(default=0)
    mailbox_quota = models.PositiveIntegerField(default=1000)
    mailbox_count = models.PositiveIntegerField(default=0)
    # What these are of is counted where it is used, under the organization's lock (see tenants.quotas).
    member_quota = models.PositiveIntegerField(default=100)
    token_quota = models.PositiveIntegerField(default=100, help_text="Of keys that are its own.")
    webhook_quota = models.PositiveIntegerField(default=10)
    second_factor_required = models.BooleanField(
        default=False, help_text="Its people get nowhere before they have set up a second factor."
    )
    # Where it is zero, an event costs nothing more: see tenants.actions.webhook_outbox.
    webhook_count = models.PositiveSmallIntegerField(default=0, help_text="Of those that are switched on.")
    suspended_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its people may look and change nothing."
    )
    suspended_because = models.CharField(max_length=500, blank=True, help_text="Told to its people.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(suspended_at=None, suspended_because="")
                | (Q(suspended_at__isnull=False) & ~Q(suspended_because="")),
                name="organization_is_suspended_with_a_reason",
            ),
            named("name", "organization_has_a_name"),
            models.UniqueConstraint(Lower("name"), name="organization_name_exists_once"),
            models.CheckConstraint(
                condition=Q(domain_count__lte=F("domain_quota")), name="organization_keeps_its_domain_quota"
            ),
            models.CheckConstraint(
                condition=Q(mailbox_count__lte=F("mailbox_quota")),
                name="organization_keeps_its_mailbox_quota",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "owner"
        MANAGER = "manager", "manager"
        VIEWER = "viewer", "viewer"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "account"], name="one_membership_per_person"),
            one_of("membership", "role", "owner", "manager", "viewer"),
        ]

    def __str__(self) -> str:
        return f"{self.account} is {self.role} of {self.organization}"
