"""Changes of a zone that somebody collects before they apply them together; kept in their session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from panel.web.zone_state import ttl_words
from tenants.actions.record_sets import MOST_CHANGES, RecordChange, change_record_sets, read_change
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.errors import Conflict
from tenants.formats.zones.stored import stored_texts
from tenants.models import RecordSet, Zone
from tenants.zone_findings import outside_change

Staged = dict[tuple[str, str], dict[str, Any]]


def staged_of(request: HttpRequest, zone: Zone) -> Staged:
    """What is staged, by owner and type."""
    rows = request.session.get(_name(zone), [])
    return {(row["owner"], row["type"]): row for row in rows}


def changes_of(staged: Staged) -> list[RecordChange]:
    return [
        RecordChange(f"{row['owner']}.", row["type"], tuple(row["data"]), row["ttl"], row["take_over"])
        for row in staged.values()
    ]


def stage(request: HttpRequest, actor: Actor, zone: Zone, change: RecordChange) -> None:
    """Add one change to what is staged, if it can be made together with that. Raises what the action does:
    alone, problems name the fields of the change."""
    staged = staged_of(request, zone)
    row = _normal(zone, change)
    owner, key = row["owner"], (row["owner"], row["type"])
    if len(staged) >= MOST_CHANGES:
        raise Conflict(f"{MOST_CHANGES} changes are staged. Apply them first.")
    known = zone.record_sets.filter(owner=owner, type=row["type"], absent=False).exists()
    if not change.data and not change.take_over and not known:
        staged.pop(key, None)  # one that was only staged
    else:
        # As typed, so that a refusal is about what was typed.
        rehearse(actor, zone, {**staged, key: {**row, "data": list(change.data)}}, key)
        staged[key] = row
    _keep(request, zone, staged)


def stage_all(request: HttpRequest, actor: Actor, zone: Zone, changes: Sequence[RecordChange]) -> None:
    """Add changes to what is staged, in place of what was staged for the same record sets: all or none.

    Raises what the action does."""
    staged = staged_of(request, zone)
    for change in changes:
        row = _normal(zone, change)
        staged[row["owner"], row["type"]] = row
    rehearse(actor, zone, staged)
    _keep(request, zone, staged)


def stage_outside(request: HttpRequest, actor: Actor, zone: Zone, unit: str) -> None:
    """Stage a record set of ours as it was last seen outside; `unit` is what its finding is about.

    Raises Conflict where nothing is told of it (any more), and what the action does.
    """
    stage(request, actor, zone, outside_change(zone, unit))


def _normal(zone: Zone, change: RecordChange) -> dict[str, Any]:
    """The change as rows have it: names in full, records as they are written. Raises Invalid."""
    key, records = read_change(zone, change)
    return {
        "owner": key[0],
        "type": key[1],
        "data": stored_texts(records) if records is not None else [],
        "ttl": change.ttl,
        "take_over": change.take_over,
    }


def rehearse(actor: Actor, zone: Zone, staged: Staged, last: tuple[str, str] | None = None) -> None:
    """Try all that is staged, and take it back. Problems of the change `last` are told by its own fields."""
    changes = changes_of({**{k: v for k, v in staged.items() if k != last}})
    if last is not None:
        changes.append(changes_of({last: staged[last]})[0])
    with rehearsal():
        change_record_sets(actor=actor, zone=Zone.objects.get(pk=zone.pk), changes=changes)


def unstage(request: HttpRequest, zone: Zone, key: tuple[str, str] | None = None) -> None:
    """Forget one staged change, or all of them."""
    staged = staged_of(request, zone)
    if key is None:
        staged = {}
    else:
        staged.pop(key, None)
    _keep(request, zone, staged)


def _keep(request: HttpRequest, zone: Zone, staged: Staged) -> None:
    if staged:
        request.session[_name(zone)] = list(staged.values())
    else:
        request.session.pop(_name(zone), None)


def _name(zone: Zone) -> str:
    return f"zone-{zone.pk}"


def who_sees_it(row: RecordSet | None, change: dict[str, Any], zone: Zone) -> str:
    """When resolvers that asked before learn of a change (RFC 2308 for names that were not there)."""
    if row is None or row.absent:
        return (
            f"Seen at once. Who asked for it before may be told for {ttl_words(zone.minimum)} that there is"
            " nothing."
        )
    if not change["data"] and not change["take_over"]:
        return f"Gone within {ttl_words(row.ttl)}: so long may resolvers keep what they have."
    if change["take_over"]:
        return "Nothing changes for others."
    return f"Seen everywhere within {ttl_words(row.ttl)}: so long may resolvers keep the old answer."


def diff_of(zone: Zone, staged: Staged) -> list[dict[str, Any]]:
    """What is staged as the context of parts/diff.html, with who sees it when."""
    rows = {(row.owner, row.type): row for row in zone.record_sets.filter(absent=False)}
    found = []
    for key, change in staged.items():
        row = rows.get(key)
        old = _lines(key, row.ttl, row.data) if row is not None else []
        ttl = change["ttl"] if change["ttl"] is not None else zone.minimum
        new = _lines(key, ttl, change["data"]) if change["data"] else []
        if change["take_over"]:
            new = old
        lines = [{"kind": "del", "text": line} for line in old if line not in new]
        lines += [{"kind": "same", "text": line} for line in old if line in new]
        lines += [{"kind": "add", "text": line} for line in new if line not in old]
        found.append(
            {
                "name": f"{key[0]} {key[1]}",
                "note": "taken over" if change["take_over"] else "",
                "lines": lines,
                "seen": who_sees_it(row, change, zone),
                "owner": key[0],
                "type": key[1],
            }
        )
    return found


def _lines(key: tuple[str, str], ttl: int, data: Sequence[str]) -> list[str]:
    return [f"{key[0]}. {ttl} IN {key[1]} {text}" for text in data]
