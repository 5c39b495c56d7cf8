"""What people ask of the controller: look now, preview, agree to a plan, choose a drift mode, reloaded."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.models import Condition, Domain, Run, SyncTarget


@transaction.atomic
def check_now(*, actor: Actor, target: SyncTarget) -> None:
    """Compare the outside with desired state now; a stopped target is tried again."""
    _require_run(actor, target)
    outbox.look_again(target)


def _require_run(actor: Actor, target: SyncTarget) -> None:
    access.require(actor, access.Verb.VIEW, target)
    access.require_create(actor, access.Kind.RUN, target.organization)


@transaction.atomic
def request_preview(*, actor: Actor, target: SyncTarget) -> Run:
    """Ask what a pass would do. The run observes and plans, and changes nothing outside."""
    _require_run(actor, target)
    waiting = target.runs.filter(mode=Run.Mode.PREVIEW, state=Run.State.QUEUED).first()
    if waiting is not None:
        return waiting
    run = Run.objects.create(
        target=target,
        mode=Run.Mode.PREVIEW,
        generation=target.generation,
        title=f"Preview what would change in {target.repository}",
        asked_by=actor.account,
        created_at=timezone.now(),
    )
    outbox.hint_on_commit("reconcile", target.pk, target.kind)
    return run


@transaction.atomic
def approve_plan(*, actor: Actor, run: Run, checksum: str) -> SyncTarget:
    """Agree to what a stopped run asks: a plan that the guard held back, or a new tip. Exactly this, once."""
    target = run.target
    access.require(actor, access.Verb.DECIDE, target)
    if run.state != Run.State.STOPPED or not run.agree_to:
        raise Conflict("This run does not wait for an agreement any more.")
    if run.agree_to != checksum:
        raise Conflict("The plan has changed since you read it. Read it again.")
    agreed = [*target.agreed_to, checksum][-5:]
    SyncTarget.objects.filter(pk=target.pk).update(agreed_to=agreed)
    target.refresh_from_db()
    outbox.look_again(target)
    record(
        actor,
        "approve_plan",
        target,
        f"{actor} agreed to a plan for {target.repository}.",
        organization=target.organization,
        domain=_domain(target),
        target=target,
        after={"plan": checksum, "run": run.pk},
    )
    return target


@transaction.atomic
def change_drift_mode(*, actor: Actor, target: SyncTarget, mode: str) -> SyncTarget:
    """Choose what happens with entries that somebody else changed outside."""
    access.require(actor, access.Verb.CHANGE, target)
    if mode not in {SyncTarget.DriftMode.REPORT, SyncTarget.DriftMode.REPAIR}:
        raise Invalid.of("drift_mode", f"“{mode}” is no choice.", "Choose report or repair.")
    before = target.drift_mode
    if mode != before:
        SyncTarget.objects.filter(pk=target.pk).update(drift_mode=mode)
        target.refresh_from_db()
        outbox.mark([target])
        record(
            actor,
            "change_drift_mode",
            target,
            f"Entries that others changed in {target.repository} are now handled by: {mode}.",
            organization=target.organization,
            domain=_domain(target),
            target=target,
            before={"drift_mode": before},
            after={"drift_mode": mode},
        )
    return target


@transaction.atomic
def confirm_reload(*, actor: Actor, target: SyncTarget) -> None:
    """A person says that submission and relay were restarted by hand after the last push."""
    access.require(actor, access.Verb.DECIDE, target)
    now = timezone.now()
    changed = Condition.objects.filter(target=target, type=Condition.Type.RELOAD_PENDING, status=True).update(
        status=False,
        reason="RestartedByHand",
        message=f"{actor} said that submission and relay were restarted.",
        since=now,
        seen_at=now,
    )
    if not changed:
        raise Conflict("No restart is waited for.")
    record(
        actor,
        "confirm_reload",
        target,
        f"{actor} restarted submission and relay for {_domain(target)}.",
        organization=target.organization,
        domain=_domain(target),
        target=target,
    )


def _domain(target: SyncTarget) -> Domain | None:
    return target.repository.domain if target.repository else None
