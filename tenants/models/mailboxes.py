"""Addresses and who gets their mail."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from tenants.models.checks import one_of, small
from tenants.models.fields import ByteOrdered

_USED = models.Q(trashed_at__isnull=True)


class Mailbox(models.Model):
    """An address of a domain. An alias is one that nobody can log in with.

    `generation` is the generation of the relay's sync target that carried the last change: the change is
    proved outside once the target's observed generation has reached it.
    """

    class Kind(models.TextChoices):
        MAILBOX = "mailbox", "mailbox"
        ALIAS = "alias", "alias"

    domain = models.ForeignKey("tenants.Domain", on_delete=models.PROTECT, related_name="mailboxes")
    local_part = ByteOrdered(max_length=64)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.MAILBOX)
    holder = models.ForeignKey(
        "tenants.Account",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="mailboxes",
        db_index=False,
    )
    sealed_hash = models.BinaryField(null=True, help_text="The passphrase's BLAKE2b hash, for workers only.")
    enabled = models.BooleanField(default=True)
    trashed_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    reached = models.BooleanField(
        default=False, help_text="Somebody has confirmed to get its mail. Kept by marks, for lists."
    )
    generation = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "mailboxes"
        constraints = [
            models.UniqueConstraint(fields=["domain", "local_part"], name="address_exists_once"),
            models.CheckConstraint(
                condition=models.Q(kind="mailbox", sealed_hash__isnull=False)
                | models.Q(kind="alias", sealed_hash__isnull=True),
                name="mailbox_has_a_passphrase_and_alias_none",
            ),
            small("local_part", "address_is_in_lower_case"),
        ]
        indexes = [
            # A pass loads what changed since the observed generation.
            models.Index(fields=["domain", "generation", "id"]),
            # One for each filter of the list, in its order.
            models.Index(fields=["domain", "local_part"], condition=_USED, name="addresses_used"),
            models.Index(
                fields=["domain", "local_part"],
                condition=models.Q(trashed_at__isnull=False),
                name="addresses_in_the_trash",
            ),
            models.Index(
                fields=["domain", "local_part"],
                condition=_USED & models.Q(enabled=False),
                name="addresses_off",
            ),
            models.Index(
                fields=["domain", "local_part"],
                condition=_USED & models.Q(enabled=True, reached=False),
                name="addresses_unconfirmed",
            ),
            models.Index(fields=["domain", "kind", "local_part"], condition=_USED, name="addresses_by_kind"),
            models.Index(fields=["domain", "changed_at", "id"]),
            # Most have no holder: an index of all would look as if each person held very many.
            models.Index(
                fields=["holder"], condition=models.Q(holder__isnull=False), name="addresses_of_a_holder"
            ),
            # The search of those who see all domains.
            models.Index(fields=["local_part", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain.name}"


class TargetAddress(models.Model):
    """A real address that gets a mailbox's mail; nothing flows to it before its holder confirmed."""

    class Source(models.TextChoices):
        LINK = "link", "pressed the button in our mail"
        OWNER = "owner", "vouched for by an owner"
        OUTSIDE = "outside", "got the mail already when Rookery took the address over"

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="targets")
    address = ByteOrdered(max_length=254)
    digest = models.CharField(max_length=64, unique=True, help_text="Of the token in the mail's link.")
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("mailbox", Lower("address"), name="target_once_per_mailbox"),
            one_of("target", "source", "", "link", "owner", "outside"),
        ]
        indexes = [models.Index(fields=["address", "mailbox"])]

    def __str__(self) -> str:
        return self.address
