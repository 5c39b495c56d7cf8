"""What somebody may do in one domain without being a member of its organization."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of


class DomainRole(models.Model):
    """Somebody has a role on one domain: on that one alone, and beside whatever rank they have.

    A person may have several on a domain, and a role may be given to several people. What each may do
    stands in the one table of `tenants.access`.
    """

    class Role(models.TextChoices):
        DECIDER = "decider", "decides requests"
        POSTMASTER = "postmaster", "runs addresses"
        ZONE_KEEPER = "zone-keeper", "edits DNS"
        OBSERVER = "observer", "looks, changes nothing"

    domain = models.ForeignKey("tenants.Domain", on_delete=models.CASCADE, related_name="roles")
    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="domain_roles")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "account", "role"], name="role_on_a_domain_is_had_once"
            ),
            one_of("domainrole", "role", "decider", "postmaster", "zone-keeper", "observer"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.get_role_display()} of {self.domain}"
