"""Zones that stand in a zone repository and that nobody here described: telling of them, taking them over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tenants.actions.zone_adoption import take_over_zone
from tenants.actor import Actor
from tenants.desired_zones import Domains, ZoneName, domains_of
from tenants.errors import Conflict, Invalid
from tenants.formats.text import printable
from tenants.formats.zones.keyfile import key_file_name
from tenants.formats.zones.names import ROOT, Name
from tenants.formats.zones.primary.dialect import DIALECTS, NEW
from tenants.models import Domain, Finding, SyncTarget
from workers.targets.base import Found, Pass
from workers.targets.git_target import repository_of
from workers.targets.relay_findings import decided
from workers.zone_plan.outside import ObservedZone, outside_sets
from workers.zone_plan.plan import file_of
from workers.zone_plan.undescribed import describe_file

_MOST, _MOST_OWN = 200, 1_000
_KEYS = b"._keys"
OTHERS = "files of other domains"


@dataclass(frozen=True)
class Strangers:
    """What is found of files that are none of ours: rows to write, and units whose rows stay as they are."""

    found: tuple[Found, ...] = ()
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Files:
    """Files of a branch, by name: the blob of each, and how to read one."""

    blobs: Mapping[bytes, str] = field(repr=False)
    read: Callable[[str], bytes] = field(repr=False)


def strangers(current: Pass, files: Files, zones: Sequence[Name]) -> Strangers:
    """Tell of every file that belongs to none of these `zones`. Zones of the organization's
    domains are read, once; those of other organizations are counted and not named."""
    domains, target = domains_of(current.target), current.target
    ours = {file_of(each) for each in zones} | {key_file_name(each).encode() for each in (*zones, ROOT)}
    described = {name.encode() for name in domains.described}
    left = files.blobs.keys() - ours - described - {name + _KEYS for name in described}
    own = sorted(name for name in left if _zone_name(name) in domains.ours)
    others = _of_others(domains, left)
    known = dict(target.findings.filter(kind=Finding.Kind.FOREIGN).values_list("unit", "outside_id"))
    found: list[Found] = []
    kept: set[str] = set()
    for name in own[:_MOST_OWN]:
        unit, identity = name.decode(), _identity(target, files.blobs[name])
        if known.get(unit) == identity:
            kept.add(unit)
            continue
        current.renew()
        found.append(_own(target, unit, files.read(files.blobs[name]), identity))
    found += [_foreign(name, files.blobs[name]) for name in sorted(left - set(own) - others)[:_MOST]]
    if others:
        found.append(_counted(others, files.blobs))
    return Strangers(tuple(found), frozenset(kept))


def _zone_name(name: bytes) -> str:
    return name.removesuffix(_KEYS).decode("ascii", "replace").lower() if not name.endswith(_KEYS) else ""


def _of_others(domains: Domains, names: Collection[bytes]) -> set[bytes]:
    owners = {name: name.removesuffix(_KEYS).decode("ascii", "replace").lower().rstrip(".") for name in names}
    theirs = domains.is_of_others(set(owners.values()))
    return {name for name, owner in owners.items() if owner in theirs}


def _identity(target: SyncTarget, blob: str) -> str:
    """Binds a decision to the file and to what it was judged by."""
    return f"{blob} {repository_of(target).primary.grammar}"[:64]


def _own(target: SyncTarget, unit: str, content: bytes, identity: str) -> Found:
    dialects = (NEW,) if repository_of(target).primary.grammar == "new" else DIALECTS
    told = describe_file(Name.of(unit), content, dialects)
    takeable = told.zone is not None
    return Found(unit, Finding.Kind.FOREIGN, told.sentence[:500], told.text, None, identity, takeable)


def _foreign(name: bytes, blob: str) -> Found:
    shown = printable(name, 150)
    unit = shown if shown.encode() == name else f"{shown} #{hashlib.sha256(name).hexdigest()[:12]}"
    is_key = name == b"_keys" or name.endswith(_KEYS)
    sentence = f"{shown} is not a zone of Rookery. It is kept as it is."
    if b"." not in name.strip(b".") and not is_key and not name.startswith(b"."):
        sentence = (
            f"{shown} is no zone: the primary removes such a file when a unikernel changes any record. Move"
            " it into a folder."
        )
    elif not is_key and not name.startswith(b"."):
        sentence += " If its domain is yours, add it to the organization first; then it can be taken over."
    return Found(unit[:200], Finding.Kind.FOREIGN, sentence, None, None, blob, takeable=False)


def _counted(names: set[bytes], blobs: Mapping[bytes, str]) -> Found:
    count = len(names)
    identity = hashlib.sha256(b"".join(name + blobs[name].encode() for name in sorted(names))).hexdigest()
    sentence = (
        f"{count} more file{'s are' if count != 1 else ' is'} there, of no domain of this organization."
        f" {'They are' if count != 1 else 'It is'} kept as {'they are' if count != 1 else 'it is'}."
    )
    return Found(OTHERS, Finding.Kind.FOREIGN, sentence, None, None, identity, takeable=False)


def take_over(current: Pass, files: Files, look_at: Callable[[ZoneName, str], ObservedZone]) -> str:
    """Begin the zones that a person decided to take over, if they are still as they were seen."""
    target = current.target
    wanted = decided(target, Finding.Decision.ADOPT)
    if not wanted:
        return ""
    domains, taken = domains_of(target), []
    for unit in sorted(wanted.keys() & domains.ours.keys()):
        blob = files.blobs.get(unit.encode(), "")
        if not blob or wanted[unit] != _identity(target, blob):
            continue
        seen = look_at(ZoneName(0, Name.of(unit), changed=True), blob)
        if seen.file is None:
            continue
        sets = outside_sets(seen, {})
        try:
            with current.write():
                take_over_zone(
                    actor=Actor.rookery(),
                    target=target,
                    domain=Domain.objects.get(pk=domains.ours[unit]),
                    soa=seen.file.soa,
                    sets=sets,
                    served=seen.served,
                )
        except (Conflict, Invalid) as error:
            current.note(f"{unit} is not taken over: {printable(error.sentence, 200)}")
            continue
        taken.append(unit)
    return f"Took over {', '.join(taken[:5])}{' and more' if len(taken) > 5 else ''}." if taken else ""
