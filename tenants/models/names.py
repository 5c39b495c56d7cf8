"""Names of a domain that are not simply given to whoever asks."""

from __future__ import annotations

from django.db import models

from tenants.models.checks import one_of, small
from tenants.models.fields import ByteOrdered


class HeldName(models.Model):
    """A local part that is kept back. The name of the person who did it stays when their account goes.

    *Reserved* names are for the domain's team to give; *never again* means nobody, until an owner takes the
    name off the list: mail for somebody who had it before must not reach somebody else.
    """

    class Kind(models.TextChoices):
        RESERVED = "reserved", "only the team gives it"
        NEVER = "never", "not given again"

    domain = models.ForeignKey(
        "tenants.Domain", on_delete=models.CASCADE, related_name="held_names", db_index=False
    )
    local_part = ByteOrdered(max_length=64)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField()
    by = models.ForeignKey("tenants.Account", on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "local_part", "kind"], name="name_is_held_once"),
            small("local_part", "held_name_is_in_lower_case"),
            one_of("held_name", "kind", "reserved", "never"),
        ]
        indexes = [models.Index(fields=["domain", "-id"])]

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain.name}"
