"""Wishes for stacks: one domain on one host, with images of p23."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from tenants.formats.firewall.intent import Bridge
from tenants.formats.networks import check_network
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.role import Era
from tenants.formats.solo5_image import ManifestDevice, Solo5Image
from tenants.formats.stacks.wish import GitPlace, ImageChoice, Wish

IMAGE = Solo5Image("hvt", 2, "x86_64", (ManifestDevice("service", "network"),))
BRIDGE = Bridge("Analytical Society", "br0", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1"))


def images(era: Era = Era.P23, *, without: tuple[str, ...] = ()) -> dict[str, ImageChoice]:
    return {
        name: ImageChoice(f"{number:02x}" * 32, era, IMAGE)
        for number, name in enumerate(ROLES)
        if name not in without
    }


def wish(**changes: Any) -> Wish:
    fields: dict[str, Any] = {
        "domain": "x25519.net",
        "public": IPv4Address("76.8.60.93"),
        "bridge": BRIDGE,
        "network": check_network("10.0.0.0/24"),
        "images": images(),
        "git": GitPlace("10.0.0.1"),
        "production": True,
        "open_relay": True,
        **changes,
    }
    return Wish(**fields)
