"""What an albatross host's conditions, facts and plans say: sentences for people, details for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tenants.formats import by_hand as lines
from tenants.formats.text import printable
from tenants.formats.unikernels import DesiredHost, WantedPolicy
from tenants.models import Condition, Host
from tenants.same_by_hand.hosts import client_version_at
from workers.albatross import Release
from workers.albatross.names import Name
from workers.hosting.decide import Deed, HostChange
from workers.hosting.seen import SeenHost
from workers.hosting.watching import Early
from workers.outcome import NeedsPerson
from workers.plan import Limits, Plan
from workers.targets.base import Findings, Statement

MOST_LISTED = 200
RELEASE_IS_FRESH = timedelta(hours=12)
_CHANGED = "Rookery left them alone. Choose “repair” to write what Rookery has, or change them here."
_APART = {
    "drift": (Condition.Type.DRIFTED, "Nobody else changed our unikernels.", _CHANGED),
    "conflict": (Condition.Type.CONFLICTED, "Nothing was changed both here and there.", _CHANGED),
    "unsafe": (
        Condition.Type.UNSAFE_ENTRIES,
        "Everything that should run can be started.",
        "What runs was left as it is. Correct these, then they are started.",
    ),
    "ended": (
        Condition.Type.ENDED,
        "Nothing ended by itself.",
        "Read what it said last, correct it, and start it again.",
    ),
}


class HostLimits(Limits):
    """Ending one or two is what people ask for every day; many at once need a person who read it."""

    def objections(self, plan: Plan) -> Sequence[str]:
        deeds = [each.deed for each in plan.changes if isinstance(each, HostChange)]
        ends, volumes = deeds.count(Deed.DESTROY), deeds.count(Deed.REMOVE_VOLUME)
        found = [f"It would end {ends} unikernels at once."] if ends >= self.deletions_at_least else []
        if volumes >= self.deletions_at_least:
            found.append(f"It would delete {volumes} block volumes at once, with all that is in them.")
        return found


def title(plan: Plan, host: str) -> str:
    changes = [each for each in plan.changes if isinstance(each, HostChange)]
    words = {Deed.CREATE: "Start", Deed.REPLACE: "Replace", Deed.DESTROY: "End", Deed.RESTART: "Restart"}
    deeds = [each for each in changes if each.deed in words]
    if len(deeds) == 1:
        return f"{words[deeds[0].deed]} {deeds[0].label} on {host}"
    count = len(changes)
    return f"Make {count} change{'s' if count != 1 else ''} on {host}"


def statements(plan: Plan, findings: Findings) -> list[Statement]:
    found = []
    for reason, (kind, none, advice) in _APART.items():
        units = [each for each in plan.apart if each.reason == reason]
        if not units:
            found.append(Statement(kind, False, "none", none))
            continue
        sentence = " ".join(each.sentence for each in units[:5])
        more = f" And {len(units) - 5} more." if len(units) > 5 else ""
        details = {"units": [each.as_dict() for each in units[:50]], "count": len(units)}
        found.append(Statement(kind, True, reason, f"{sentence}{more} {advice}", details))
    return [*found, _foreign(findings)]


def _foreign(findings: Findings) -> Statement:
    """What is in our own path and was not made here."""
    foreign = [each.unit for each in findings.found]
    kind = Condition.Type.FOREIGN_ENTRIES
    if not foreign:
        return Statement(kind, False, "none", "Everything here is Rookery's.")
    names = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
    return Statement(
        kind,
        True,
        "kept",
        f"Not made by Rookery, and left as it is: {names}. It can be taken over from this page.",
        {"count": len(foreign), "names": foreign[:MOST_LISTED]},
    )


def known_release(host: Host, now: datetime) -> Release | None:
    """What was found by asking, while it is fresh. A newer albatross answers most questions of an older one,
    so an update of the host shows by nothing else."""
    try:
        asked_at = datetime.fromisoformat(host.seen.get("release_at", ""))
    except ValueError:
        return None
    return Release.find(host.release) if now - asked_at < RELEASE_IS_FRESH else None


def keep_release(host: Host, release: Release, now: datetime) -> None:
    host.release, host.seen = str(release), host.seen | {"release_at": now.isoformat()}
    Host.objects.filter(pk=host.pk).update(release=host.release, seen=host.seen)


def keep_facts(host: Host, seen: SeenHost, now: datetime) -> None:
    """What everybody may know of a host, for “will it fit?”; arguments of unikernels are not among it."""
    if not seen.everything and "memory" in host.seen:
        return  # another part of this host sees more
    root = seen.root
    facts: dict[str, Any] = {
        "unikernels": [
            {
                "name": printable(str(one.name), 300),
                "memory": one.settings.memory,
                "digest": one.digest.hex(),
                "started": one.started.isoformat() if one.started else None,
            }
            for one in sorted(seen.unikernels, key=lambda one: one.name.labels)[:MOST_LISTED]
        ],
        "volumes": [
            {"name": printable(str(one.name), 300), "size": one.size, "used": one.active}
            for one in seen.volumes[:MOST_LISTED]
        ],
        "used_memory": sum(one.settings.memory for one in seen.unikernels),
        "release_at": host.seen.get("release_at", ""),
    }
    if root is not None:
        facts |= {
            "memory": root.memory,
            "storage": root.block or 0,
            "cpuids": sorted(root.cpuids)[:1024],
            "bridges": sorted(root.bridges)[:MOST_LISTED],
        }
    Host.objects.filter(pk=host.pk).update(seen=facts, seen_at=now, offered_host_key="")
    host.seen, host.seen_at = facts, now


def died_early(name: Name, early: Early, words: Sequence[str]) -> NeedsPerson:
    said = f" It said last: “{' / '.join(words[-3:])[:600]}”." if words else " It said nothing."
    advice = "Read its console below, correct its arguments or image, and start it again."
    if early.restarts:
        advice = "Stop it, or correct its arguments or image: albatross starts it again and again."
    return NeedsPerson("ended-early", f"{name} {early.sentence}.{said}", advice, {"console": list(words)})


def by_hand(desired: DesiredHost, host: Host, release: str, plan: Plan) -> tuple[str, ...]:
    """The lines of albatross-client that would do the same; secrets stay references."""
    version = client_version_at(host, release)
    found = []
    for change in plan.changes:
        if not isinstance(change, HostChange):
            continue
        name = f"{desired.path}:{change.label}"
        if change.deed is Deed.POLICY and change.policy is not None:
            policy = change.policy
            wanted = WantedPolicy(
                policy.unikernels,
                policy.memory,
                policy.block or 0,
                tuple(sorted(policy.cpuids)),
                tuple(sorted(policy.bridges)),
            )
            found.append(lines.policy_line(f"{desired.path}:", wanted, version))
        elif change.deed is Deed.VOLUME:
            found.append(lines.volume_line(name, change.size, version))
        elif change.deed is Deed.REMOVE_VOLUME:
            found.append(lines.remove_volume_line(name, version))
        elif change.deed is Deed.DESTROY:
            found.append(lines.destroy_line(name, version))
        elif change.deed is Deed.RESTART and lines.restarts_well(version):
            found.append(lines.restart_line(name, version))
        elif change.wanted is not None:
            force = change.deed in (Deed.REPLACE, Deed.RESTART)
            found.append(lines.create_line(change.wanted, name, version, force=force))
    return tuple(found)
