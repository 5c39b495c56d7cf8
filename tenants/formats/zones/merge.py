"""Three parties write to a zone, Rookery, unikernels and people: their changes merged by record set.

A pure function of the last common state, what Rookery wants and what is there. Whatever belongs to others is
copied into the result before anything is compared, so that no comparison needs an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tenants.formats.zones.record_set import Key, RecordSet
from tenants.formats.zones.zone import Zone

__all__ = ["Change", "Merge", "Ownership", "machine_owned", "merge"]


class Ownership(Enum):
    """Who decides what a record set says."""

    MANAGED = "managed"
    """Rookery decides."""
    EXTERNAL = "external"
    """Others write it; Rookery keeps what it finds."""
    FROZEN = "frozen"
    """Nobody should change it; Rookery neither writes nor repairs it, and tells when it changed."""


@dataclass(frozen=True)
class Change:
    """A record set on which the parties differ. Each of the three states may be None: no such set."""

    key: Key
    base: RecordSet | None
    ours: RecordSet | None
    theirs: RecordSet | None
    kept_ours: bool


@dataclass(frozen=True)
class Merge:
    """The result: `zone` has our SOA, whose serial is for the caller to set.

    `conflicts` are sets that both sides changed, and wishes for sets that belong to others; `drift` those of
    ours, or frozen ones, that only others changed.
    """

    zone: Zone
    conflicts: tuple[Change, ...]
    drift: tuple[Change, ...]


def machine_owned(key: Key) -> bool:
    """Whether a record set is one that unikernels of the mail stack write: certificates (TLSA at
    `_letsencrypt._tcp.<host>`), proofs for Let's Encrypt (TXT at `_acme-challenge.<host>`) and DKIM keys."""
    owner, record_type = key
    labels = owner.key[::-1]
    if record_type == "TLSA":
        return labels[:2] == (b"_letsencrypt", b"_tcp")
    if record_type == "TXT":
        return labels[:1] == (b"_acme-challenge",) or labels[1:2] == (b"_domainkey",)
    return False


def merge(
    base: Zone | None, ours: Zone, theirs: Zone, owner_of: Callable[[Key], Ownership], *, repair: bool = False
) -> Merge:
    """Return what the zone should say.

    `base` is the last state that both sides had, `theirs` what the primary serves (a zone transfer) or wrote.
    Neither shows glue, so glue that is absent from `theirs` counts as unchanged. Where others changed a
    managed set, theirs stays and is reported, unless `repair`: then ours is put back, and reported too.
    """
    before = base.by_key if base else {}
    keys = {**before, **ours.by_key, **theirs.by_key}
    merged: list[RecordSet] = []
    conflicts: list[Change] = []
    drift: list[Change] = []
    for key in keys:
        known, wanted, found = before.get(key), ours.get(*key), theirs.get(*key)
        hidden = known or wanted
        if found is None and hidden is not None and theirs.is_glue(hidden):
            found = known
        item, report = _decide(known, wanted, found, owner_of(key), repair)
        if item is not None:
            merged.append(item)
        if report:
            change = Change(key, known, wanted, found, kept_ours=item == wanted)
            (conflicts if report == "conflict" else drift).append(change)
    return Merge(Zone(ours.origin, ours.soa, merged), _sorted(conflicts), _sorted(drift))


def _decide(
    known: RecordSet | None,
    wanted: RecordSet | None,
    found: RecordSet | None,
    ownership: Ownership,
    repair: bool,
) -> tuple[RecordSet | None, str]:
    """Return what one set becomes, and what to report: nothing, `conflict` or `drift`."""
    if ownership is not Ownership.MANAGED:
        wish = wanted not in (None, known, found)
        changed = ownership is Ownership.FROZEN and found != known
        return found, "conflict" if wish else "drift" if changed else ""
    if found in (wanted, known):
        return wanted, ""
    return (wanted if repair else found), "drift" if wanted == known else "conflict"


def _sorted(changes: list[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: (change.key[0].key, change.key[1])))
