"""What to enter at the registrar of a domain, beside what the zone above said when it was asked last."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tenants.formats.mail_checks import Level
from tenants.models import CheckLine, Domain, MailCheck, Zone

__all__ = ["LOOKED_AT", "Delegation", "Entry", "Parent", "delegation_of", "parent_of", "registrar_of"]

LOOKED_AT = ("delegation", "glue", "dnssec")
"""The checks that ask the zone above."""


@dataclass(frozen=True)
class Entry:
    """A value to enter: a name server, or (`address`) where one is that lies in the domain itself. `there`:
    the zone above has it; None: not known."""

    name: str
    address: str = ""
    there: bool | None = None


@dataclass(frozen=True)
class Parent:
    """What the zone above said. `servers` None: nobody above answered, or nobody looked yet; `glue` has the
    name servers of which the addresses were told; `ds` None: not known. `at` (aware) it was looked at."""

    servers: tuple[str, ...] | None = None
    glue: Mapping[str, tuple[str, ...]] | None = None
    ds: tuple[str, ...] | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Delegation:
    """`strangers` and `strange_glue` are at the zone above and should not be. `lost` are name servers inside
    the domain without an address in the zone: nothing can be entered for them."""

    servers: tuple[Entry, ...]
    glue: tuple[Entry, ...]
    strangers: tuple[str, ...]
    strange_glue: tuple[Entry, ...]
    lost: tuple[str, ...]

    @property
    def is_right(self) -> bool | None:
        """Is everything there, and nothing else? None: not known. Glue that the zone above did not tell is no
        reason for doubt: a server that keeps both zones tells none."""
        if self.strangers or self.strange_glue or self.lost or not self.servers:
            return False
        if any(each.there is False for each in (*self.servers, *self.glue)):
            return False
        return True if all(each.there for each in self.servers) else None


def delegation_of(
    domain: str, servers: Sequence[str], addresses: Mapping[str, Sequence[str]], parent: Parent
) -> Delegation:
    """Pure: `servers` are the names of the zone's NS records, `addresses` where the zone says they are."""
    names = tuple(dict.fromkeys(servers))
    inside = [name for name in names if name == domain or name.endswith(f".{domain}")]
    known, glue = parent.servers, parent.glue or {}

    def is_glue_there(name: str, address: str) -> bool | None:
        if name in glue:
            return _plain(address) in {_plain(each) for each in glue[name]}
        return False if known is not None and name not in known else None

    wanted = [(name, address) for name in inside for address in addresses.get(name, ())]
    meant = {(name, _plain(address)) for name, address in wanted}
    return Delegation(
        servers=tuple(Entry(name, there=None if known is None else name in known) for name in names),
        glue=tuple(Entry(*pair, there=is_glue_there(*pair)) for pair in wanted),
        strangers=tuple(each for each in known or () if each not in names),
        strange_glue=tuple(
            Entry(name, address)
            for name in inside
            for address in glue.get(name, ())
            if (name, _plain(address)) not in meant
        ),
        lost=tuple(name for name in inside if not addresses.get(name)),
    )


def _plain(address: str) -> str:
    """An address as everybody writes it; other text, of strangers, as it is."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def parent_of(lines: Sequence[CheckLine]) -> Parent:
    """What the lines of a domain's checks say about the zone above."""
    found = {line.line: line for line in lines}
    delegation, dnssec = found.get("delegation"), found.get("dnssec")
    if delegation is None:
        return Parent()
    known = delegation.level != Level.UNKNOWN
    glue = {
        line.line.partition(":")[2]: tuple(str(each) for each in line.seen)
        for line in lines
        if line.check_name == "glue" and line.level != Level.UNKNOWN
    }
    signed = dnssec is not None and dnssec.level != Level.UNKNOWN
    return Parent(
        servers=tuple(str(each) for each in delegation.seen) if known else None,
        glue=glue if known else None,
        ds=tuple(str(each) for each in dnssec.seen) if signed and dnssec is not None else None,
        at=delegation.looked_at,
    )


def registrar_of(domain: Domain, zone: Zone | None) -> tuple[Delegation | None, Parent, MailCheck | None]:
    """What to enter for a domain (None while Rookery keeps no zone of it), what the zone above said, and the
    checks that looked."""
    check = MailCheck.objects.filter(domain=domain).first()
    lines = CheckLine.objects.filter(check_of=check) if check is not None else CheckLine.objects.none()
    parent = parent_of([each for each in lines if each.check_name in LOOKED_AT])
    if zone is None:
        return None, parent, check
    rows = zone.record_sets.filter(absent=False, type__in=("NS", "A", "AAAA"))
    servers: list[str] = []
    addresses: dict[str, list[str]] = {}
    for row in rows.order_by("type", "pk"):
        if row.type == "NS":
            servers += [each.removesuffix(".") for each in row.data] if row.owner == zone.name else []
        else:
            addresses.setdefault(row.owner, []).extend(row.data)
    return delegation_of(zone.name, sorted(servers), addresses, parent), parent, check
