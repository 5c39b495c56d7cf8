"""What we wrote into a zone ourselves and never saw proved: the push arrived, and its worker was lost."""

from __future__ import annotations

from tenants.formats.zones.names import Name
from tenants.formats.zones.primary.errors import ZoneFileError
from tenants.formats.zones.stored import set_digest
from tenants.formats.zones.zone import Zone
from tenants.formats.zones.zone_file import read_zone
from tenants.models import SyncTarget
from workers.repository import Mirror
from workers.targets.unproved import ours_since
from workers.zone_plan.decide import describe_soa
from workers.zone_plan.outside import Written, by_key
from workers.zone_plan.plan import MOST_FILE, file_of


def unproved_sets(target: SyncTarget, mirror: Mirror, tip: str, proved: str | None, origin: Name) -> Written:
    """Its record sets and its SOA as our own commits after the proof left them."""
    sets: dict[tuple[str, str], str] = {}
    soa = ""
    for commit in ours_since(target, mirror, tip, proved):
        now = mirror.files(commit.id).get(file_of(origin), "")
        before = mirror.files(commit.parents[0]).get(file_of(origin), "") if commit.parents else ""
        if now == before:
            continue
        try:
            written, former = (_zone(mirror, blob, origin) for blob in (now, before))
        except ZoneFileError:
            continue  # what was ours in it cannot be told from what was not
        soa = soa or (describe_soa(written.soa) if written else "")
        left, found = by_key(written), by_key(former)
        for key in {*left, *found}:
            digest = set_digest(left.get(key))
            if digest != set_digest(found.get(key)):
                sets.setdefault(key, digest)  # the newest comes first
    return Written(sets, soa)


def _zone(mirror: Mirror, blob: str, origin: Name) -> Zone | None:
    return read_zone(mirror.blob(blob, MOST_FILE), origin) if blob else None
