"""SVCB and HTTPS: how to reach a service (RFC 9460), with the parameters that the primary knows."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from tenants.formats.zones.data.simple import NameWriter, ipv6_text
from tenants.formats.zones.names import Name

__all__ = [
    "HTTPS",
    "KEY_NAMES",
    "SVCB",
    "Alpn",
    "Ipv4Hint",
    "Ipv6Hint",
    "KeyValue",
    "Mandatory",
    "NoDefaultAlpn",
    "Parameter",
    "Port",
]

KEY_NAMES = {1: "alpn", 2: "no-default-alpn", 3: "port", 4: "ipv4hint", 5: "ech", 6: "ipv6hint"}
"""The parameters with names of their own (RFC 9460 §14.3.2) except 0, `mandatory`."""


@dataclass(frozen=True, slots=True)
class Mandatory:
    """The keys that a client must understand to use the record, in order."""

    number: ClassVar[int] = 0
    keys: tuple[int, ...]

    def text(self) -> bytes:
        # The primary leaves out key 0, which its own parser never accepts.
        names = [KEY_NAMES.get(key) or f"key{key}" for key in self.keys if key != 0]
        return b"mandatory=" + ",".join(names).encode()


@dataclass(frozen=True, slots=True)
class Alpn:
    """The protocols that the service speaks."""

    number: ClassVar[int] = 1
    protocols: tuple[bytes, ...]

    def text(self) -> bytes:
        return b"alpn=" + b",".join(self.protocols)


@dataclass(frozen=True, slots=True)
class NoDefaultAlpn:
    """The service does not speak the scheme's default protocol."""

    number: ClassVar[int] = 2

    def text(self) -> bytes:
        return b"no-default-alpn"


@dataclass(frozen=True, slots=True)
class Port:
    """Another port than the scheme's; the primary writes it as `key8443`, which it cannot read."""

    number: ClassVar[int] = 3
    port: int

    def text(self) -> bytes:
        return b"key%d" % self.port


@dataclass(frozen=True, slots=True)
class Ipv4Hint:
    """IPv4 addresses to try before the target's own were looked up."""

    number: ClassVar[int] = 4
    addresses: tuple[IPv4Address, ...]

    def text(self) -> bytes:
        return b"ipv4hint=" + ",".join(map(str, self.addresses)).encode()


@dataclass(frozen=True, slots=True)
class Ipv6Hint:
    """IPv6 addresses to try before the target's own were looked up."""

    number: ClassVar[int] = 6
    addresses: tuple[IPv6Address, ...]

    def text(self) -> bytes:
        return b"ipv6hint=" + ",".join(map(ipv6_text, self.addresses)).encode()


@dataclass(frozen=True, slots=True)
class KeyValue:
    """Any other parameter: its number, and its value byte for byte as on the wire."""

    number: int
    value: bytes

    def text(self) -> bytes:
        return b"key%d=%s" % (self.number, self.value)


Parameter = Mandatory | Alpn | NoDefaultAlpn | Port | Ipv4Hint | Ipv6Hint | KeyValue


@dataclass(frozen=True, slots=True)
class SVCB:
    """A service of any kind; priority 0 makes the owner an alias of the target for this service."""

    type: ClassVar[str] = "SVCB"
    priority: int
    target: Name
    parameters: tuple[Parameter, ...] = ()

    @property
    def order(self) -> tuple[int, Name]:
        return self.priority, self.target

    def text(self, name: NameWriter) -> bytes:
        parameters = b" ".join(parameter.text() for parameter in self.parameters)
        return b"%d\t%s\t%s" % (self.priority, name(self.target), parameters)


@dataclass(frozen=True, slots=True)
class HTTPS(SVCB):
    """A web site: SVCB for the schemes https and http."""

    type: ClassVar[str] = "HTTPS"
