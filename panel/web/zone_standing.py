"""Standing and proof of a zone, from its rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from panel.web import proofs
from panel.web.fragments import run_url
from panel.web.sentences import STOPPED
from panel.web.zone_state import REMOVING, TRYING_AGAIN, ZoneFacts, zone_sentence, zone_state
from tenants import access
from tenants.actor import Actor
from tenants.models import Condition, Finding, Run, SyncTarget, Zone
from tenants.relay_states import conditions_of, is_stopped


def zone_facts(zone: Zone) -> ZoneFacts:
    target = zone.target
    conditions = conditions_of(target)
    reachable = conditions.get(Condition.Type.REACHABLE)
    synced = conditions.get(Condition.Type.SYNCED)
    findings = [
        each
        for each in target.findings.filter(kind__in=(*Finding.REPAIRABLE, Finding.Kind.UNSAFE))
        if _is_about(each.unit, zone.name)
    ]
    refusals = [each.sentence for each in findings if each.kind == Finding.Kind.UNSAFE]
    return ZoneFacts(
        name=zone.name,
        proved=zone.owned_at is not None,
        standing=zone.standing,
        stopped=synced.message if is_stopped(target) and synced is not None and not synced.status else "",
        unreachable=reachable.message if reachable is not None and not reachable.status else "",
        observed=target.observed_generation >= max(zone.generation, 1),
        frozen=zone.frozen,
        refusal=refusals[0] if refusals else "",
        changed_outside=len(findings) - len(refusals),
        serial=zone.served_serial,
        served_at=zone.served_at,
    )


def _is_about(unit: str, zone: str) -> bool:
    owner = unit.partition(" ")[0]
    return owner == zone or owner.endswith(f".{zone}")


def zone_context(actor: Actor, zone: Zone, now: datetime) -> dict[str, Any]:
    """What is true of a zone now, and the proof of its last change."""
    facts = zone_facts(zone)
    state = zone_state(facts)
    run = _carrying_run(zone, observed=facts.observed)
    may_open = run is not None and access.may(actor, access.Verb.VIEW, run)
    url = run_url(run.pk) if run is not None and may_open else ""
    return {
        "zone": zone,
        "zone_server": zone.target.update_server,
        "zone_facts": facts,
        "zone_state": state,
        "zone_sentence": zone_sentence(facts, state, now),
        "zone_proof": zone.standing != Zone.Standing.LET_GO
        and {
            "id": "zone-proof-line",
            "label": f"the last change of {zone.name}",
            **_proof(zone, facts, run, url),
        },
        "zone_run_url": url if state == STOPPED else "",
        "zone_moves": (zone.is_kept and not facts.proved)
        or state.is_moving
        or state in {REMOVING, TRYING_AGAIN, STOPPED},
        "zone_records": {"name": f"_rookery.{zone.name}", "text": zone.challenge},
    }


def _carrying_run(zone: Zone, *, observed: bool) -> Run | None:
    """The run that proved the zone's last change, or the one that is about to."""
    target: SyncTarget = zone.target
    runs = target.runs.filter(mode=Run.Mode.APPLY, generation__gte=max(zone.generation, 1))
    runs = runs.prefetch_related("steps", "evidence")
    if observed:
        return runs.filter(state=Run.State.SUCCEEDED).order_by("generation", "pk").first()
    return runs.filter(state__in=Run.UNFINISHED).order_by("-pk").first()


def _proof(zone: Zone, facts: ZoneFacts, run: Run | None, url: str) -> dict[str, Any]:
    accepted: proofs.Word = {"state": "done", "at": zone.changed_at}
    if not facts.proved:
        waits: proofs.Word = {"state": "todo", "note": "waits for proof of ownership"}
        return {"accepted": accepted, "planned": waits, "pushed": proofs.TODO, "observed": proofs.TODO}
    if run is not None:
        steps = {step.name: step for step in run.steps.all()}
        commit = next((each.value for each in run.evidence.all() if each.name == "Commit"), "")
        found = {**proofs.run_proof(run, steps, commit, url), "accepted": accepted}
        if found["observed"]["state"] == "done" and facts.serial is not None:
            found["observed"] = {**found["observed"], "note": f"serial {facts.serial}"}
        return found
    if facts.observed:
        done: proofs.Word = {"state": "done"}
        note = f"serial {facts.serial}" if facts.serial is not None else "not served"
        observed = {**done, "note": note}
        return {"accepted": accepted, "planned": done, "pushed": done, "observed": observed}
    planned: proofs.Word = {"state": "live", "note": "waits for a worker"}
    return {"accepted": accepted, "planned": planned, "pushed": proofs.TODO, "observed": proofs.TODO}
