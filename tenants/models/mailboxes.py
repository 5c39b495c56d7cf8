"""Addresses and who gets their mail."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Lower, StrIndex, Substr

from tenants.models.aliases import Delivery
from tenants.models.checks import one_of, small
from tenants.models.fields import ByteOrdered
from tenants.models.sync import LONG_AGO

_USED = Q(trashed_at__isnull=True)


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
    sealed_hash = models.BinaryField(null=True, help_text="The passphrase's BLAKE2b hash, for workers only.")
    enabled = models.BooleanField(default=True)
    off_by_holder = models.BooleanField(
        default=False, help_text="Who holds it switched it off, and may switch it on; else the team did."
    )
    trashed_at = models.DateTimeField(null=True, blank=True)
    trash_look_at = models.DateTimeField(
        default=LONG_AGO, help_text="When Rookery looks again whether it is to be deleted for good."
    )
    note = models.CharField(max_length=200, blank=True)
    reached = models.BooleanField(
        default=False, help_text="Somebody gets its mail (see tenants.reach). Kept by marks, for lists."
    )
    delivers_to: models.ManyToManyField[Mailbox, Delivery] = models.ManyToManyField(
        "self",
        through="tenants.Delivery",
        through_fields=("alias", "mailbox"),
        symmetrical=False,
        related_name="aliases",
        help_text="An alias: mailboxes of the same domain whose targets get its mail too.",
    )
    flowing_hosts = models.JSONField(
        default=list,
        blank=True,
        help_text="An alias of mailboxes: the target domains that its entry holds together.",
    )
    made_for = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="own_aliases",
        db_index=False,
        help_text="An alias that a person made: whoever holds this mailbox holds the alias.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Then Rookery puts it into the trash.")
    expiry_told_at = models.DateTimeField(null=True, blank=True, help_text="When people were reminded of it.")
    generation = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()
    likeness = models.CharField(
        max_length=32,
        blank=True,
        help_text="Equal for equal passphrases of an organization; only workers make it.",
    )
    likened_at = models.DateTimeField(default=LONG_AGO, help_text="`changed_at` when the likeness was made.")

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
            models.CheckConstraint(
                condition=models.Q(made_for=None) | models.Q(kind="alias"),
                name="only_aliases_are_made_for_a_mailbox",
            ),
        ]
        indexes = [
            # A pass loads what changed since the observed generation.
            models.Index(fields=["domain", "generation", "id"]),
            # One for each filter of the list, in its order.
            models.Index(fields=["domain", "local_part"], condition=_USED, name="addresses_used"),
            models.Index(
                fields=["domain", "local_part"],
                condition=Q(trashed_at__isnull=False),
                name="addresses_in_the_trash",
            ),
            models.Index(
                fields=["domain", "local_part"],
                condition=_USED & Q(enabled=False),
                name="addresses_off",
            ),
            models.Index(
                fields=["domain", "local_part"],
                condition=_USED & Q(enabled=True, reached=False),
                name="addresses_unconfirmed",
            ),
            models.Index(
                fields=["domain", "local_part"],
                condition=_USED & Q(expires_at__isnull=False),
                name="addresses_ending",
            ),
            # Most are made for none: an index of all would look as if each were made for the same one.
            models.Index(fields=["made_for"], condition=Q(made_for__isnull=False), name="addresses_made_for"),
            models.Index(
                fields=["domain"],
                condition=_USED & Q(made_for__isnull=False),
                name="addresses_that_people_made",
            ),
            models.Index(fields=["domain", "kind", "local_part"], condition=_USED, name="addresses_by_kind"),
            models.Index(fields=["domain", "changed_at", "id"]),
            # The search of those who see all domains.
            models.Index(fields=["local_part", "id"]),
            # What ends, and what people are to be reminded of: few rows, looked for every few seconds.
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False, trashed_at=None),
                name="mailbox_that_ends",
            ),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(expires_at__isnull=False, expiry_told_at=None, trashed_at=None),
                name="mailbox_to_remind_of",
            ),
            # The sweep asks every few seconds; what is in no trash is not in the index.
            models.Index(
                fields=["trash_look_at"],
                condition=models.Q(trashed_at__isnull=False),
                name="trash_by_its_next_look",
            ),
            models.Index(
                fields=["domain", "-id"],
                condition=models.Q(trashed_at__isnull=False),
                name="trash_of_a_domain",
            ),
            models.Index(fields=["likeness"], condition=~Q(likeness=""), name="mailbox_by_likeness"),
            # What a worker has to look at again: nearly always none.
            models.Index(
                fields=["changed_at"], condition=Q(likened_at__lt=F("changed_at")), name="mailbox_not_likened"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.local_part}@{self.domain.name}"


class TargetAddress(models.Model):
    """A real address that gets a mailbox's mail; nothing flows to it before its holder confirmed."""

    class Source(models.TextChoices):
        LINK = "link", "pressed the button in our mail"
        OWNER = "owner", "vouched for by an owner"
        OUTSIDE = "outside", "got the mail already when Rookery took the address over"

    class Exchange(models.TextChoices):
        """Whether its mail server lets ptt's relay tell it from the address's other targets."""

        FREE = "", "no other target has the same mail server"
        CHECKING = "checking", "not written yet: where its mail goes is being looked up"
        SHARED = "shared", "not written: it has the same mail server as another target"
        ACCEPTED = "accepted", "written although it has the same mail server: somebody accepted the risk"

    FLOWS = (Exchange.FREE, Exchange.ACCEPTED)

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="targets")
    address = ByteOrdered(max_length=254)
    digest = models.CharField(max_length=64, unique=True, help_text="Of the token in the mail's link.")
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices, blank=True)
    host = models.GeneratedField(
        expression=Lower(Substr("address", StrIndex("address", Value("@")) + 1)),
        output_field=models.CharField(max_length=254),
        db_persist=True,
    )
    exchange = models.CharField(max_length=10, choices=Exchange.choices, blank=True, default=Exchange.FREE)

    class Meta:
        constraints = [
            models.UniqueConstraint("mailbox", Lower("address"), name="target_once_per_mailbox"),
            one_of("target", "source", "", "link", "owner", "outside"),
            one_of("target", "exchange", "", "checking", "shared", "accepted"),
        ]
        indexes = [models.Index(fields=["address", "mailbox"]), models.Index(fields=["host", "mailbox"])]

    def __str__(self) -> str:
        return self.address
