"""Hosts that run albatross, an organization's part of each, and who has which address there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.formats.unikernels import ROOT_PATH, path_labels
from tenants.models.checks import named, one_of


class Host(models.Model):
    """A machine with albatross, and how workers reach its daemons.

    Its organization runs it; operators share it with others (see HostShare). Which transport is used decides
    which of the other columns matter: SSH has an account, our key and the pinned host key; TLS has the CA of
    the endpoint and the authority that signs our commands.
    """

    class Transport(models.TextChoices):
        LOCAL = "local", "a socket on this machine"
        SSH = "ssh", "SSH"
        TLS = "tls", "its TLS endpoint"

    organization = models.ForeignKey("tenants.Organization", on_delete=models.PROTECT, related_name="hosts")
    name = models.CharField(max_length=63, help_text="What people call it.")
    transport = models.CharField(max_length=10, choices=Transport.choices)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=64, blank=True)
    socket_folder = models.CharField(max_length=400, default="/run/albatross")
    public_key = models.CharField(max_length=500, blank=True, help_text="Ours, to be authorized on the host.")
    sealed_key = models.BinaryField(
        null=True, help_text="The SSH key, or the key of the authority that signs commands over TLS."
    )
    host_key = models.CharField(max_length=2000, blank=True, help_text="The pinned key line.")
    offered_host_key = models.CharField(max_length=2000, blank=True, help_text="What the host showed last.")
    server_ca = models.TextField(blank=True, help_text="PEM: the endpoint's certificate comes from it.")
    authority = models.TextField(
        blank=True, help_text="PEM: the certificate that signs commands, issuers next."
    )
    release = models.CharField(max_length=20, blank=True, help_text="Of albatross, as found; empty: not yet.")
    seen = models.JSONField(
        default=dict, help_text="What a worker saw last: CPUs, memory, bridges, what runs."
    )
    seen_at = models.DateTimeField(null=True)
    tenders = models.JSONField(
        null=True, help_text="Those of Solo5, such as solo5-hvt.2; null where nobody could look as root."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="host_named_once"),
            models.CheckConstraint(condition=Q(port__range=(1, 65535)), name="host_has_a_port"),
            models.CheckConstraint(
                condition=Q(transport="local") | (~Q(host="") & Q(sealed_key__isnull=False)),
                name="host_can_be_reached",
            ),
            named("name", "host_has_a_name"),
            one_of("host", "transport", "local", "ssh", "tls"),
        ]

    def __str__(self) -> str:
        return self.name


class HostShare(models.Model):
    """An organization's part of a host: its path there, and the quota policy of that path.

    The sync target is this part and not the host: what one organization does is in no run of another, and
    what stops one stops nobody else.
    """

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="shares")
    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="host_shares"
    )
    path = models.CharField(
        max_length=63,
        blank=True,
        help_text="The label in front of its unikernels' names there. Empty: the root path, without a label.",
    )
    most_unikernels = models.PositiveIntegerField(default=8)
    memory = models.PositiveIntegerField(default=512, help_text="In MB, of all of them together.")
    storage = models.PositiveIntegerField(default=0, help_text="In MB, of all block volumes; 0 for none.")
    cpuids = models.JSONField(default=list, help_text="CPUs that they may run on.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "organization"], name="host_shared_once"),
            models.UniqueConstraint(fields=["host", "path"], name="path_given_once"),
            models.CheckConstraint(
                condition=Q(most_unikernels__gte=1) & Q(memory__gte=1), name="share_has_room"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host} ({self.path or ROOT_PATH})"

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its path, as albatross counts them."""
        return path_labels(self.path)

    @property
    def prefix(self) -> str:
        """What albatross writes in front of the names in it."""
        return f"{self.path}:"


class Network(models.Model):
    """A bridge of a host with its subnet, given to one organization: tenants must not meet on layer 2."""

    share = models.ForeignKey(HostShare, on_delete=models.CASCADE, related_name="networks")
    bridge = models.CharField(max_length=15)
    subnet = models.CharField(max_length=18, help_text="E.g. 10.0.0.0/24.")
    gateway = models.GenericIPAddressField(protocol="IPv4")
    first = models.GenericIPAddressField(protocol="IPv4", help_text="Of the addresses given to unikernels.")
    last = models.GenericIPAddressField(protocol="IPv4")
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="networks")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "bridge"], name="bridge_given_once"),
            named("bridge", "network_has_a_bridge"),
        ]

    def __str__(self) -> str:
        return f"{self.bridge} ({self.subnet})"


class Volume(models.Model):
    """A block volume that should be on the host; with `deleted_at`, that should be gone from it.

    It holds data: nothing but a person's word deletes it. The row goes when its end was proved.
    """

    share = models.ForeignKey(HostShare, on_delete=models.CASCADE, related_name="volumes")
    label = models.CharField(max_length=63)
    size = models.PositiveIntegerField(help_text="In MB.")
    deleted_at = models.DateTimeField(null=True)
    generation = models.BigIntegerField(default=0, help_text="Its sync target's when it was changed last.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["share", "label"], name="volume_named_once"),
            models.CheckConstraint(condition=Q(size__gte=1), name="volume_has_a_size"),
            named("label", "volume_has_a_label"),
        ]

    def __str__(self) -> str:
        return self.label


class HostAddress(models.Model):
    """Who has which address of a network: a unikernel's device, or something outside of Rookery."""

    network = models.ForeignKey(Network, on_delete=models.CASCADE, related_name="addresses")
    address = models.GenericIPAddressField(protocol="IPv4")
    unikernel = models.ForeignKey(
        "tenants.Unikernel", on_delete=models.CASCADE, null=True, related_name="addresses"
    )
    device = models.CharField(max_length=67, blank=True)
    note = models.CharField(max_length=200, blank=True, help_text="Who has it, when no unikernel does.")

    class Meta:
        verbose_name_plural = "host addresses"
        constraints = [
            models.UniqueConstraint(fields=["network", "address"], name="address_given_once"),
            models.UniqueConstraint(
                fields=["unikernel", "device"], condition=~Q(device=""), name="one_address_per_device"
            ),
        ]

    def __str__(self) -> str:
        return self.address
