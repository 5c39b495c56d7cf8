"""What the conditions and findings of a zone repository say."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence

from tenants.desired_zones import ZoneName, waiting_zones
from tenants.formats.text import printable
from tenants.models import Condition, Finding, Repository, SyncTarget, Zone
from workers.plan import Plan
from workers.targets.base import Findings, Found, Statement
from workers.targets.relay_statements import apart_statement, foreign_statement
from workers.zone_plan.load import load_seconds, load_warning
from workers.zone_plan.plan import ZonePlan, file_of

Kind = Finding.Kind
_KINDS = {"drift": Kind.DRIFT, "conflict": Kind.CONFLICT, "unsafe": Kind.UNSAFE}
_MOST = 200


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
    return [*found, foreign_statement(findings), unproved, *_many(target)]


def _many(target: SyncTarget) -> list[Statement]:
    """Of a repository that ptt's primary reads: how long it takes to load all zones."""
    if target.kind != SyncTarget.Kind.ZONE_REPOSITORY:
        return []
    count = Zone.objects.filter(target=target, owned_at__isnull=False).count()
    kind, warning = Condition.Type.MANY_ZONES, load_warning(count)
    if not warning:
        return [Statement(kind, False, "few", "The primary loads all zones in less than a second.")]
    details = {"zones": count, "seconds": round(load_seconds(count), 1)}
    return [Statement(kind, True, "quadratic-load", warning, details)]


def find(
    target: SyncTarget,
    files: Mapping[bytes, str],
    published: Sequence[ZoneName],
    steady: frozenset[str],
    plan: Plan,
) -> Findings:
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
    ours = {file_of(each.origin) for each in published}
    ours |= {file_of(each.origin) + b"._keys" for each in published} | {b"_keys"}
    for name in sorted(files.keys() - ours)[:_MOST]:
        found.append(_foreign(name, files[name]))
    return Findings(tuple(found))


def _identity(plan: Plan, unit: str) -> str:
    """The digest of what is there, as `may_overwrite` is asked about it."""
    return plan.outside_ids.get(unit, "") if isinstance(plan, ZonePlan) else ""


def _foreign(name: bytes, blob: str) -> Found:
    shown = printable(name, 150)
    unit = shown if shown.encode() == name else f"{shown} #{hashlib.sha256(name).hexdigest()[:12]}"
    is_key = name == b"_keys" or name.endswith(b"._keys")
    sentence = f"{shown} is not a zone of Rookery. It is kept as it is."
    if b"." not in name.strip(b".") and not is_key and not name.startswith(b"."):
        sentence = (
            f"{shown} is no zone: the primary removes such a file when a unikernel changes any record. Move"
            " it into a folder."
        )
    return Found(unit[:200], Kind.FOREIGN, sentence, None, None, blob, takeable=False)


def by_hand(repository: Repository, plan: ZonePlan) -> tuple[str, ...]:
    """Shell lines that would do the same by hand; no secret is in them."""
    if plan.is_empty:
        return ()
    url = f"ssh://{repository.username}@{repository.host}:{repository.port}/{repository.path.lstrip('/')}"
    names = [name.decode("latin-1") for name in sorted(plan.files)]
    lines = []
    if names:
        shown = shlex.join(names[:20]) + (" …" if len(names) > 20 else "")
        lines += [
            f"git clone --depth 1 --branch {repository.branch} {url} zones && cd zones",
            f"# write the new content of: {shown}",
            f"git add -- {shown}",
            f"git commit -m '{plan.summary()}' && git push origin {repository.branch}",
        ]
    primary = repository.primary
    where = f"@{primary.address} -p {primary.port}"
    for each in plan.to_serve[:5]:
        name = each.origin.short
        lines.append(f"dig {where} +tcp +opcode=notify {name} SOA -k /path/to/rookery.key")
        lines.append(f"dig {where} {name} SOA +norecurse  # expects serial {each.serial}")
    return tuple(lines)
