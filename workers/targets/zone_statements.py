"""What the conditions and findings of a zone repository say."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from django.utils import timezone

from tenants.desired_zones import waiting_zones
from tenants.models import Condition, Finding, Repository, SyncTarget, Zone
from workers.plan import Plan
from workers.targets.base import Findings, Found, Statement
from workers.targets.relay_statements import apart_statement, foreign_statement
from workers.targets.server_statements import servers_statement
from workers.targets.zone_adoption import Strangers
from workers.zone_plan.load import load_seconds, load_warning
from workers.zone_plan.plan import ZonePlan

Kind = Finding.Kind
_KINDS = {"drift": Kind.DRIFT, "conflict": Kind.CONFLICT, "unsafe": Kind.UNSAFE}


def zone_statements(target: SyncTarget, plan: Plan, findings: Findings) -> Sequence[Statement]:
    """Conditions of a pass that found agreement, or wrote."""
    found = [apart_statement(plan, reason) for reason in ("drift", "conflict", "unsafe")]
    waiting = waiting_zones(target)
    unproved = Statement(Condition.Type.UNPROVED, False, "none", "Every zone's domain was proved.")
    if waiting:
        names = ", ".join(waiting[:5]) + (f" and {len(waiting) - 5} more" if len(waiting) > 5 else "")
        unproved = Statement(
            Condition.Type.UNPROVED,
            True,
            "waiting",
            f"Not published, for nobody proved yet whose domain it is: {names}.",
            {"zones": waiting[:50], "count": len(waiting)},
        )
    servers = servers_statement(target, timezone.now())
    return [*found, foreign_statement(findings), unproved, servers, *_many(target)]


def _many(target: SyncTarget) -> list[Statement]:
    """Of a repository that ptt's primary reads: how long it takes to load all zones."""
    if target.kind != SyncTarget.Kind.ZONE_REPOSITORY:
        return []
    published = Zone.objects.filter(target=target, owned_at__isnull=False, standing__in=Zone.KEPT)
    count = published.count()
    kind, warning = Condition.Type.MANY_ZONES, load_warning(count)
    if not warning:
        return [Statement(kind, False, "few", "The primary loads all zones in less than a second.")]
    details = {"zones": count, "seconds": round(load_seconds(count), 1)}
    return [Statement(kind, True, "quadratic-load", warning, details)]


def find(plan: Plan, strangers: Strangers) -> Findings:
    """What was left alone in zones, and files that are none of ours."""
    found = [
        Found(
            unit=each.unit[:200],
            kind=_KINDS[each.reason],
            sentence=each.sentence[:500],
            outside=each.outside,
            ours=each.ours,
            outside_id=_identity(plan, each.unit),
            takeable=False,
        )
        for each in plan.apart
        if each.reason in _KINDS
    ]
    return Findings((*found, *strangers.found), strangers.kept)


def _identity(plan: Plan, unit: str) -> str:
    """The digest of what is there, as `may_overwrite` is asked about it."""
    return plan.outside_ids.get(unit, "") if isinstance(plan, ZonePlan) else ""


def by_hand(repository: Repository, plan: ZonePlan) -> tuple[str, ...]:
    """Shell lines that would do the same by hand; no secret is in them."""
    if plan.is_empty:
        return ()
    url = f"ssh://{repository.username}@{repository.host}:{repository.port}/{repository.path.lstrip('/')}"
    written = [name.decode("latin-1") for name, content in sorted(plan.files.items()) if content is not None]
    gone = [name.decode("latin-1") for name, content in sorted(plan.files.items()) if content is None]
    lines = []
    if plan.files:
        lines.append(f"git clone --depth 1 --branch {repository.branch} {url} zones && cd zones")
        if written:
            lines += [f"# write the new content of: {_joined(written)}", f"git add -- {_joined(written)}"]
        lines += [f"git rm -- {_joined(gone)}"] if gone else []
        lines += [
            f"git commit -m '{plan.summary()}' && git push origin {repository.branch}",
        ]
    primary = repository.primary
    where = f"@{primary.address} -p {primary.port}"
    for each in plan.to_serve[:5]:
        name = each.origin.short
        lines.append(f"dig {where} +tcp +opcode=notify {name} SOA -k /path/to/rookery.key")
        lines.append(f"dig {where} {name} SOA +norecurse  # expects serial {each.serial}")
    for each in plan.to_end[:5]:
        name = each.origin.short
        lines.append(f"dig {where} +tcp +opcode=notify {name} SOA -k /path/to/rookery.key")
        lines.append(f"dig {where} {name} SOA +norecurse  # expects status NOTAUTH")
    return tuple(lines)


def _joined(names: list[str]) -> str:
    return shlex.join(names[:20]) + (" …" if len(names) > 20 else "")
