"""Who holds an address: one person or several, each with the same rights over it."""

from __future__ import annotations

from django.db import models


class Holding(models.Model):
    """A person holds an address. An address without a row belongs to the domain's team alone.

    `note` is this person's own: neither the team nor the others who hold the address read it.
    """

    mailbox = models.ForeignKey("tenants.Mailbox", on_delete=models.CASCADE, related_name="holdings")
    account = models.ForeignKey("tenants.Account", on_delete=models.CASCADE, related_name="holdings")
    since = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "account"], name="person_holds_an_address_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} holds {self.mailbox}"
