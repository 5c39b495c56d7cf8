"""What a domain's zone must say for its mail stack, and the keys with which roles may change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.wish import Wish
from tenants.formats.zones.data.simple import MX, NS, SRV, TXT, A
from tenants.formats.zones.dkim_record import dkim_text
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import DEFAULT_TTL, RecordSet

PREFERENCE = 10


def records(wish: Wish) -> tuple[RecordSet, ...]:
    """Return the record sets of the stack, but for MX: that one is last of all.

    The receiver's certificate is for the bare domain, so the MX points there and it has the address.
    """
    return tuple(RecordSet(owner, DEFAULT_TTL, [data]) for owner, data in _records(wish))


def mx_record(wish: Wish) -> RecordSet:
    """Return the record that brings mail here."""
    return RecordSet(wish.zone, DEFAULT_TTL, [MX(PREFERENCE, wish.zone)])


def key_names(wish: Wish, placed: Iterable[Placed]) -> dict[str, Name]:
    """Return the name of each role's TSIG key: one each, so that each can be taken away alone.

    Certificate code finds the zone by stripping two labels: hence exactly one before `_update`.
    """
    zone = str(wish.zone)
    return {
        each.role.name: Name.of(f"{each.role.name}._update.{zone}")
        for each in placed
        if any(secret.option == "--dns-key" for secret in each.secrets)
    }


def _records(wish: Wish) -> Iterator[tuple[Name, A | NS | SRV | TXT]]:
    zone, address = wish.zone, A(wish.public)
    yield zone, address
    if "primary" in wish.images:
        server = _below("ns1", wish)
        yield zone, NS(server)
        yield server, address
    submission = Name.of(wish.submission)
    yield submission, address
    yield _below("_submissions._tcp", wish), SRV(0, 1, 465, submission)
    yield zone, TXT(f"v=spf1 ip4:{wish.public} -all".encode())
    yield _below("_dmarc", wish), TXT(b"v=DMARC1; p=none")
    if wish.dkim_key:
        yield _below(f"{wish.selector}._domainkey", wish), TXT(dkim_text(wish.dkim_key))


def _below(label: str, wish: Wish) -> Name:
    return Name.of(f"{label}.{wish.zone}")
