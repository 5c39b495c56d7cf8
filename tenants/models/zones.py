"""Zones: the DNS data of a domain, who writes which part of it, and the keys and servers around it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import named, one_of, small
from tenants.models.sync import LONG_AGO

_MOST = 2**31 - 1
_MOST_SERIAL = 2**32 - 1


def _seconds(field: str) -> models.CheckConstraint:
    """The primary rejects a whole zone for a longer time than this."""
    return models.CheckConstraint(
        condition=Q(**{f"{field}__range": (0, _MOST)}), name=f"zone_{field}_is_in_range"
    )


class PrimaryServer(models.Model):
    """The name server that reads a zone repository: whom to tell of a push, and whom to ask for proof."""

    class Grammar(models.TextChoices):
        NEW = "new", "2024 or newer"
        OLD = "old", "2022 or 2023"

    repository = models.OneToOneField("tenants.Repository", on_delete=models.CASCADE, related_name="primary")
    address = models.GenericIPAddressField()
    port = models.PositiveIntegerField(default=53)
    grammar = models.CharField(max_length=10, choices=Grammar.choices, default=Grammar.NEW)
    removed_with = models.CharField(
        max_length=253,
        blank=True,
        help_text="The domain with whose mail stack it was removed.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(port__range=(1, 65535)), name="primary_has_a_port"),
            one_of("primary_server", "grammar", "new", "old"),
        ]

    def __str__(self) -> str:
        return self.address if self.port == 53 else f"{self.address} port {self.port}"


class Zone(models.Model):
    """The DNS data of one domain, kept by one sync target.

    Nothing is published before the domain's ownership was proved. `generation` is that of the sync target
    which carried the last change. `serial` is the newest that was ever seen or written, 0 before.
    """

    class Proof(models.TextChoices):
        TEXT = "text", "a TXT record"
        DELEGATION = "delegation", "its delegation"

    class Standing(models.TextChoices):
        KEPT = "kept", "kept by Rookery"
        RETURNING = "returning", "being brought back"
        REMOVING = "removing", "being removed"
        REMOVED = "removed", "removed"
        LET_GO = "let_go", "let go: as it is outside"

    KEPT = (Standing.KEPT, Standing.RETURNING)

    domain = models.OneToOneField("tenants.Domain", on_delete=models.PROTECT, related_name="zone")
    target = models.ForeignKey("tenants.SyncTarget", on_delete=models.PROTECT, related_name="zones")
    first_server = models.CharField(max_length=253, help_text="The SOA's first name server.")
    contact = models.CharField(max_length=254, help_text="A mail address; the SOA's mailbox.")
    refresh = models.PositiveIntegerField(default=86400)
    retry = models.PositiveIntegerField(default=7200)
    expire = models.PositiveIntegerField(default=1048576)
    minimum = models.PositiveIntegerField(default=3600, help_text="Also the usual TTL. All in seconds.")
    serial = models.BigIntegerField(default=0)
    frozen = models.BooleanField(default=False, help_text="Rookery writes nothing into it.")
    standing = models.CharField(
        max_length=10,
        choices=Standing.choices,
        default=Standing.KEPT,
        help_text="The rows of a zone that was removed or let go stay, so that it can be brought back.",
    )
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When somebody removed it or let it go.")

    challenge = models.CharField(max_length=64, help_text="What a TXT record has to say to prove ownership.")
    owned_at = models.DateTimeField(null=True, blank=True)
    owned_by = models.CharField(max_length=10, choices=Proof.choices, blank=True)
    next_look_at = models.DateTimeField(default=LONG_AGO, help_text="When ownership is looked for again.")
    look_problem = models.CharField(max_length=200, blank=True)
    looks = models.PositiveIntegerField(default=0)

    served_serial = models.BigIntegerField(null=True, blank=True, help_text="What the primary last said.")
    served_at = models.DateTimeField(null=True, blank=True)
    certificates_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When its certificates are looked at; never while nothing changes."
    )
    dropped = models.CharField(
        max_length=64, blank=True, help_text="Identifies content that the primary dropped; never sent again."
    )
    servers_look_at = models.DateTimeField(
        default=LONG_AGO, help_text="When its name servers are asked again what they have."
    )
    generation = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            named("first_server", "zone_has_a_first_server"),
            named("contact", "zone_has_a_contact"),
            named("challenge", "zone_has_a_challenge"),
            _seconds("refresh"),
            _seconds("retry"),
            _seconds("expire"),
            _seconds("minimum"),
            models.CheckConstraint(condition=Q(serial__range=(0, _MOST_SERIAL)), name="zone_serial_fits"),
            one_of("zone", "owned_by", "", "text", "delegation"),
            one_of("zone", "standing", "kept", "returning", "removing", "removed", "let_go"),
            models.CheckConstraint(
                condition=Q(owned_at=None, owned_by="") | (Q(owned_at__isnull=False) & ~Q(owned_by="")),
                name="zone_ownership_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["next_look_at"], condition=Q(owned_at=None), name="zones_to_prove"),
            models.Index(fields=["servers_look_at"]),
            models.Index(fields=["certificates_due_at"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return self.domain.name

    @property
    def is_kept(self) -> bool:
        """Is it Rookery's to write? Not one that was removed or let go."""
        return self.standing in self.KEPT


class RecordSet(models.Model):
    """All records of one name and type.

    Managed ones are written by Rookery; frozen ones too, but stay as they are outside for now; external ones
    are what others wrote, as it was last seen: always kept, never desired. `proved` identifies what was last
    proved to be outside, "" for nothing: the base of every comparison. A managed set that is `absent` is to
    be gone; its row goes when that was proved.
    """

    class Holder(models.TextChoices):
        MANAGED = "managed", "written by Rookery"
        FROZEN = "frozen", "frozen: left as it is"
        EXTERNAL = "external", "written by others"

    OURS = (Holder.MANAGED, Holder.FROZEN)

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="record_sets")
    owner = models.CharField(max_length=253, help_text="The full name without its last dot.")
    type = models.CharField(max_length=10)
    ttl = models.BigIntegerField()
    data = models.JSONField(default=list, help_text="Each record as in the primary's files, names in full.")
    digest = models.CharField(max_length=64, help_text="Identifies TTL and data.")
    holder = models.CharField(max_length=10, choices=Holder.choices, default=Holder.MANAGED)
    absent = models.BooleanField(default=False)
    proved = models.CharField(max_length=64, blank=True)
    generation = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "owner", "type"], name="record_set_exists_once"),
            small("owner", "record_set_owner_is_in_lower_case"),
            named("type", "record_set_has_a_type"),
            models.CheckConstraint(condition=~Q(type="SOA"), name="soa_is_no_record_set"),
            models.CheckConstraint(condition=Q(ttl__range=(0, _MOST_SERIAL)), name="record_set_ttl_fits"),
            one_of("record_set", "holder", "managed", "frozen", "external"),
            models.CheckConstraint(
                condition=Q(absent=False) | Q(holder="managed"), name="only_managed_sets_are_to_be_gone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner} {self.type}"

    @property
    def is_ours(self) -> bool:
        return self.holder in self.OURS


class TsigKey(models.Model):
    """A key of a zone, or (without a zone) of all zones of its repository; its name says what it may do.

    The secret is sealed and was shown once. While one key `replaces` another, both are valid. A removed key
    keeps its row until the primary was proved to have forgotten it.
    """

    class Right(models.TextChoices):
        UPDATE = "update", "change records, transfer and notify"
        TRANSFER = "transfer", "transfer the zone and notify"
        NOTIFY = "notify", "notify"

    class Algorithm(models.TextChoices):
        SHA1 = "SHA1", "hmac-sha1"
        SHA224 = "SHA224", "hmac-sha224"
        SHA256 = "SHA256", "hmac-sha256"
        SHA384 = "SHA384", "hmac-sha384"
        SHA512 = "SHA512", "hmac-sha512"

    repository = models.ForeignKey("tenants.Repository", on_delete=models.CASCADE, related_name="tsig_keys")
    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, null=True, blank=True, related_name="tsig_keys")
    name = models.CharField(max_length=253)
    right = models.CharField(max_length=10, choices=Right.choices)
    algorithm = models.CharField(max_length=10, choices=Algorithm.choices, default=Algorithm.SHA256)
    sealed_secret = models.BinaryField()
    own = models.BooleanField(default=False, help_text="Rookery's own, for all zones.")
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )
    removed = models.BooleanField(default=False)
    generation = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="key_name_is_used_once"),
            small("name", "key_name_is_in_lower_case"),
            one_of("tsig_key", "right", "update", "transfer", "notify"),
            one_of("tsig_key", "algorithm", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
            models.CheckConstraint(
                condition=Q(own=False) | Q(zone=None, right="update"), name="own_key_covers_every_zone"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class SecondaryServer(models.Model):
    """A name server that copies a zone from the primary: its NS record, address and way to fetch the zone."""

    class Transfer(models.TextChoices):
        KEY = "key", "with a key"
        OPEN = "open", "without a key (the primary runs with --axfr)"

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="secondaries")
    host = models.CharField(max_length=253)
    address = models.GenericIPAddressField()
    transfer = models.CharField(max_length=10, choices=Transfer.choices)
    key = models.OneToOneField(
        TsigKey, on_delete=models.PROTECT, null=True, blank=True, related_name="secondary"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["zone", "host"], name="secondary_is_named_once"),
            small("host", "secondary_is_in_lower_case"),
            one_of("secondary_server", "transfer", "key", "open"),
            models.CheckConstraint(
                condition=Q(transfer="key", key__isnull=False) | Q(transfer="open", key=None),
                name="secondary_with_a_key_has_it",
            ),
        ]

    def __str__(self) -> str:
        return self.host
