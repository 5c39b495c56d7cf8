"""Primary name servers that take dynamic updates, as BIND and Knot do."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models.checks import named, one_of, small
from tenants.models.zones import TsigKey


class UpdateServer(models.Model):
    """A primary that holds zones itself, and lets a key change and transfer them (RFC 2136, RFC 8945).

    The key was made at the server, by whoever runs it; here it is sealed, and only workers can read it.
    """

    organization = models.ForeignKey(
        "tenants.Organization", on_delete=models.PROTECT, related_name="update_servers"
    )
    name = models.CharField(max_length=63, help_text="What people call it.")
    address = models.GenericIPAddressField()
    port = models.PositiveIntegerField(default=53)
    key_name = models.CharField(max_length=253, help_text="In full, without its last dot.")
    algorithm = models.CharField(max_length=10, choices=TsigKey.Algorithm.choices)
    sealed_secret = models.BinaryField()
    key_since = models.DateTimeField(help_text="When this key was given to Rookery.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "address", "port"], name="update_server_connected_once"
            ),
            models.UniqueConstraint(fields=["organization", "name"], name="update_server_named_once"),
            models.CheckConstraint(condition=Q(port__range=(1, 65535)), name="update_server_has_a_port"),
            named("name", "update_server_has_a_name"),
            small("key_name", "update_key_is_in_lower_case"),
            one_of("update_server", "algorithm", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def where(self) -> str:
        """Its address, and its port where that is not the usual one."""
        return self.address if self.port == 53 else f"{self.address} port {self.port}"
