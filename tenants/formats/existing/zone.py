"""What a zone says about mail, out of its file and its keys' file; no secret of a key is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tenants.formats.existing.arguments import Mark, tsig_identity
from tenants.formats.existing.seen import SeenCertificate, SeenKey, SeenRecord, SeenZone
from tenants.formats.text import printable
from tenants.formats.zones.certificates import certificates_in
from tenants.formats.zones.keyfile import TsigKey
from tenants.formats.zones.record_set import RecordSet
from tenants.formats.zones.stored import owner_text, stored_texts
from tenants.formats.zones.zone import Zone

_ABOUT_MAIL = frozenset({"A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"})
_MOST_SETS, _MOST_DATA, _MOST_KEYS, _MOST_HOSTS = 300, 20, 50, 20


def see_zone(zone: Zone, keys: Iterable[TsigKey], mark: Mark, now: datetime, branch: str = "") -> SeenZone:
    """Read what concerns mail; `now` is aware."""
    sets = [each for each in zone.sets if each.type in _ABOUT_MAIL]
    sets.sort(key=lambda each: (not _first(each, zone), each.owner.key))
    return SeenZone(
        name=owner_text(zone.origin),
        branch=branch,
        serial=zone.soa.serial,
        records=tuple(_record(each) for each in sets[:_MOST_SETS]),
        keys=tuple(
            SeenKey(owner_text(each.name), mark(tsig_identity(each.unikernel_string())))
            for _, each in zip(range(_MOST_KEYS), keys, strict=False)
        ),
        certificates=tuple(
            SeenCertificate(
                owner_text(each.host), each.standing.value, printable(each.sentence, 300), each.staging
            )
            for each in certificates_in(zone.sets, now)[:_MOST_HOSTS]
        ),
    )


def unserved(name: str, problem: str, branch: str = "") -> SeenZone:
    """A zone whose file cannot be read."""
    return SeenZone(name, branch, there=bool(problem), problem=printable(problem, 300))


def _first(each: RecordSet, zone: Zone) -> bool:
    """Where there are very many sets: those that mail needs."""
    return each.owner == zone.origin or each.type in {"MX", "NS"} or b"_domainkey" in each.owner.labels


def _record(each: RecordSet) -> SeenRecord:
    texts = stored_texts(each)[:_MOST_DATA]
    return SeenRecord(owner_text(each.owner), each.type, tuple(printable(text, 1200) for text in texts))
