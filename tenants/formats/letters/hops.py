"""Which servers of a stack a letter goes through, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tenants.formats.canary import Way
from tenants.formats.roles.catalogue import ROLES

__all__ = ["WAYS", "Hop", "hops_of"]

WAYS = {Way.IN: ("verifier", "spamfilter", "relay"), Way.OUT: ("submission", "signer", "relay")}
"""The roles that a letter takes, in their order; both ways end at the relay."""


@dataclass(frozen=True)
class Hop:
    """`label` is the name of its unikernel, empty for a service that fills the role; `era` likewise."""

    role: str
    title: str
    address: str
    label: str = ""
    era: str = ""


def hops_of(way: Way, parts: Sequence[Mapping[str, Any]], services: Mapping[str, str]) -> list[Hop]:
    """Of a release's `parts` and `services`; a role that neither names is left out."""
    by_role = {str(part["role"]): part for part in parts}
    found = []
    for role in WAYS[way]:
        title = ROLES[role].title
        if role in by_role:
            part = by_role[role]
            address = str(part["address"]).partition("/")[0]
            found.append(Hop(role, title, address, str(part["label"]), str(part["era"])))
        elif role in services:
            found.append(Hop(role, title, services[role]))
    return found
