"""Roles of one's own, and conventional services in the place of a role.

A custom role is anything that albatross can run: its arguments are checked against the list it brings, or
not at all. A conventional service (Unbound as resolver, OpenDKIM behind Postfix as signer) has an address
and is probed like the role; Rookery manages the rest around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.options import NETWORK
from tenants.formats.roles.role import Era, Option, Port, Probe, ProbeKind, Role
from tenants.formats.text import FormatError, check_name, printable

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_OPTION = re.compile(r"--[a-z][a-z0-9-]{0,60}")
_MOST_OPTIONS = 100


@dataclass(frozen=True)
class Conventional:
    """A service that Rookery does not run, in the place of a role."""

    role: str
    address: str
    port: int


def check_conventional(role: str, address: str, port: int | None = None) -> Conventional:
    """Return a service in the place of a role. Raises FormatError (fields `role`, `address`, `port`).

    The hops of the mail stack speak only to port 25 and to port 53, so those roles cannot be elsewhere.
    """
    known = ROLES.get(role)
    if known is None:
        raise FormatError("role", f"There is no role “{printable(role, 40)}”.", "Use one of the eight.")
    try:
        place = IPv4Address(address.strip())
    except ValueError:
        place = None
    if place is None or place.is_multicast or place.is_unspecified or place.is_loopback:
        raise FormatError(
            "address",
            f"“{printable(address, 40)}” is no address that unikernels can reach.",
            "Write an IPv4 address such as 10.0.0.20.",
        )
    expected = known.ports[0].number if known.ports else 0
    if port is not None and port != expected:
        raise FormatError(
            "port",
            f"Others reach a {known.title} at port {expected} only." if expected else "It has no port.",
            f"Let it listen at {expected}." if expected else "Leave the port out.",
        )
    return Conventional(role, str(place), expected)


def custom_role(
    name: str,
    *,
    title: str,
    image: str,
    memory: int,
    ports: tuple[Port, ...] = (),
    options: tuple[Option, ...] = (),
    depends_on: tuple[str, ...] = (),
    device: str = "service",
) -> Role:
    """Return a role of one's own; every generation is the same to it. Raises FormatError.

    `memory` in MB. It takes the network's arguments and `options`, nothing else.
    """
    if not _NAME.fullmatch(name) or name in ROLES:
        raise FormatError(
            "name",
            f"“{printable(name, 50)}” cannot be the name of a role of yours.",
            "Use small letters, digits and hyphens, and no name of the eight.",
        )
    if not 16 <= memory <= 65536:
        raise FormatError("memory", f"{memory} MB is no useful size.", "Use 16 to 65536.")
    names = [each.name for each in (*options, *NETWORK)]
    if len(options) > _MOST_OPTIONS or len(set(names)) < len(names):
        raise FormatError("options", "An option is there twice, or there are too many.", "Remove some.")
    for each in options:
        if not _OPTION.fullmatch(each.name):
            raise FormatError("options", f"“{printable(each.name, 60)}” is no option.", "Use --name.")
    for needed in depends_on:
        if needed not in ROLES:
            raise FormatError(
                "depends_on", f"There is no role “{printable(needed, 40)}”.", "Use one of the eight."
            )
    port = next((each.number for each in ports if "tcp" in each.protocols), 0)
    return Role(
        name=name,
        title=check_name(title, field="title", maximum=80),
        does="is a role of your own",
        image=image,
        memory=memory,
        options=dict.fromkeys(Era, (*options, *NETWORK)),
        ports=ports,
        needs=(),
        secrets=dict.fromkeys(Era, ()),
        depends_on=depends_on,
        writes=(),
        probe=Probe(ProbeKind.RUNNING, port, 30, "It is only looked at whether it keeps running."),
        device=device,
    )
