"""The findings of a relay repository: what is left alone, what people decided, what is taken over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from django.db.models import Q

from tenants.actions.adoption import Outside
from tenants.desired import known_names
from tenants.formats.exchanges import host_of, is_host
from tenants.formats.relay_entry import Readable, read
from tenants.formats.text import printable
from tenants.models import Finding, HeldName, Mailbox, SyncTarget
from workers.plan import Apart, Plan
from workers.relay.decide import shown
from workers.relay.explain import explain
from workers.targets.base import Findings, Found
from workers.targets.relay_circles import find_circle

if TYPE_CHECKING:
    from workers.targets.relay_repository import ObservedRelay

Kind = Finding.Kind
_MARK = re.compile(r" #[0-9a-f]{12}\Z")
_OTHERS = (Kind.FOREIGN, Kind.SKIPPED)
# Of one entry; nobody has that many, and whoever writes more into a file learns of these.
MOST_HOSTS = 50


def decided(target: SyncTarget, decision: str) -> dict[str, str]:
    """What people decided: the exact bytes outside that they saw, by unit."""
    rows = target.findings.filter(decision=decision)
    return dict(rows.values_list("unit", "outside_id"))


def to_take_over(
    target: SyncTarget, observed: ObservedRelay, plan: Plan, own_domain: str
) -> Iterator[tuple[str, Outside]]:
    """Addresses that the mode or a person says to take over, each with why it is one."""
    everything = target.drift_mode == SyncTarget.DriftMode.ADOPT
    wanted = decided(target, Finding.Decision.ADOPT)
    if not everything and not wanted:
        return
    held = _never_again(target)
    for apart in plan.apart:
        outside_id = observed.ids.get(apart.unit.encode(), "")
        if (everything and apart.reason == "drift") or wanted.get(apart.unit) == outside_id:
            taken = _outside(apart.unit, observed, own_domain)
            if taken is not None and (taken.entry is None or apart.unit not in held):
                yield apart.reason, taken
    for name in _others(target, observed):
        unit = _unit(name)
        if everything or wanted.get(unit) == observed.ids[name]:
            found = explain(name, observed.mirror.blob(observed.ids[name]), own_domain=own_domain)
            if found.entry is not None and unit not in held:
                yield "foreign", Outside(name.decode(), found.entry)


def _never_again(target: SyncTarget) -> frozenset[str]:
    """Names that nobody is given: what stands outside under one is shown and left there."""
    assert target.repository is not None  # noqa: S101 - of every relay target
    domain = target.repository.domain_id
    used = Mailbox.objects.filter(domain=domain, trashed_at=None).values("local_part")
    rows = HeldName.objects.filter(domain=domain, kind=HeldName.Kind.NEVER).exclude(local_part__in=used)
    return frozenset(rows.values_list("local_part", flat=True))


def _unit(name: bytes) -> str:
    """What a file is called here: its name, with a mark of its own where that cannot be shown as it is."""
    shown = printable(name, 200)
    if shown.encode() == name and not _MARK.search(shown):
        return shown
    return f"{printable(name, 180)} #{hashlib.sha256(name).hexdigest()[:12]}"


def _outside(unit: str, observed: ObservedRelay, own_domain: str) -> Outside | None:
    blob = observed.ids.get(unit.encode())
    if blob is None:
        return Outside(unit, None)
    found = explain(unit.encode(), observed.mirror.blob(blob), own_domain=own_domain)
    return Outside(unit, found.entry) if found.entry is not None else None


def _others(target: SyncTarget, observed: ObservedRelay) -> list[bytes]:
    """Names outside that Rookery has no row for."""
    ours = known_names(target)
    return sorted(name for name in observed.ids if name not in ours)


def find(target: SyncTarget, observed: ObservedRelay, plan: Plan, own_domain: str) -> Findings:
    """All findings of this pass; foreign files that were explained already and did not change are kept."""
    found = [_apart(each, observed, own_domain) for each in plan.apart]
    # Those that lead to an address beside them are explained anew: that one may have changed.
    alone = target.findings.filter(kind__in=_OTHERS).exclude(hosts__contains=f" {own_domain} ")
    explained = dict(alone.values_list("unit", "outside_id"))
    if target.proof and not observed.moved:
        return Findings(tuple(found), _still_foreign(target))
    kept: set[str] = set()
    for name in _others(target, observed):
        unit, blob = _unit(name), observed.ids[name]
        if explained.get(unit) == blob:
            kept.add(unit)
        else:
            found.append(_foreign(unit, name, observed, own_domain))
    return Findings(tuple(found), frozenset(kept))


def _still_foreign(target: SyncTarget) -> frozenset[str]:
    """Those that became ours meanwhile are findings of another kind, or none."""
    assert target.repository is not None  # noqa: S101 - of every relay target
    ours = Mailbox.objects.filter(domain=target.repository.domain_id).values("local_part")
    rows = target.findings.filter(Q(kind__in=_OTHERS) & ~Q(unit__in=ours))
    return frozenset(rows.values_list("unit", flat=True))


def _foreign(unit: str, name: bytes, observed: ObservedRelay, own_domain: str) -> Found:
    blob = observed.ids[name]
    content = observed.mirror.blob(blob)
    told = explain(name, content, own_domain=own_domain)
    kind = Kind.FOREIGN if told.used_by_ptt else Kind.SKIPPED
    outside = shown(name, content) if told.used_by_ptt else None
    circle = find_circle(name, told.targets, partial(_targets_beside, observed), own_domain)
    sentence = f"{told.sentence} {circle}".strip()[:500]
    return Found(unit, kind, sentence, outside, None, blob, told.takeable, _hosts(told.targets))


def _targets_beside(observed: ObservedRelay, name: bytes) -> Sequence[str] | None:
    """The targets of another entry of the branch; None when there is none of that name."""
    blob = observed.ids.get(name)
    if blob is None:
        return None
    verdict = read(name, observed.mirror.blob(blob))
    return verdict.entry.targets if isinstance(verdict, Readable) else ()


def _hosts(targets: Sequence[str]) -> str:
    """The domains that can be looked up, with a space around each, so that one can be searched for."""
    hosts = sorted({host for target in targets if is_host(host := host_of(target))})[:MOST_HOSTS]
    return f" {' '.join(hosts)} " if hosts else ""


def _apart(each: Apart, observed: ObservedRelay, own_domain: str) -> Found:
    name = each.unit.encode()
    blob = observed.ids.get(name, "")
    takeable = each.reason in Finding.REPAIRABLE and _outside(each.unit, observed, own_domain) is not None
    hosts = _hosts(_targets_beside(observed, name) or ())
    return Found(each.unit, each.reason, each.sentence, each.outside, each.ours, blob, takeable, hosts)
