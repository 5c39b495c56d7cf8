"""What people ask of the controller: look now, preview, agree to a plan, choose a drift mode, reloaded."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final, undoable
from tenants.actor import Actor
from tenants.errors import Conflict, Invalid
from tenants.formats.text import printable
from tenants.models import Condition, Domain, Organization, RepositoryReader, Run, SyncTarget


@transaction.atomic
def check_now(*, actor: Actor, target: SyncTarget) -> None:
    """Compare the outside with desired state now; a stopped target is tried again."""
    _require_run(actor, target)
    outbox.look_again(target)
    _record(actor, "check_now", target, f"{actor} asked for a look at {target.place}.")


@transaction.atomic
def request_preview(*, actor: Actor, target: SyncTarget) -> Run:
    """Ask what a pass would do. The run observes and plans, and changes nothing outside.

    Whoever asks while one waits gets that one.
    """
    _require_run(actor, target)
    lock(target)
    waiting = target.runs.filter(mode=Run.Mode.PREVIEW, state=Run.State.QUEUED).first()
    if waiting is not None:
        return waiting
    run = Run.objects.create(
        target=target,
        mode=Run.Mode.PREVIEW,
        generation=target.generation,
        title=f"Preview what would change in {target.place}"[:200],
        asked_by=actor.account,
        created_at=timezone.now(),
    )
    outbox.hint_on_commit("reconcile", target.pk, target.kind)
    _record(actor, "request_preview", target, f"{actor} asked what would change in {target.place}.")
    return run


def _require_run(actor: Actor, target: SyncTarget) -> None:
    access.require(actor, access.Verb.VIEW, target)
    access.require_create(actor, access.Kind.RUN, home_of(target))


def _record(actor: Actor, verb: str, target: SyncTarget, sentence: str, **extra: Any) -> None:
    record(
        actor,
        verb,
        target,
        sentence,
        organization=target.organization,
        domain=_domain(target),
        target=target,
        **extra,
    )


@transaction.atomic
def approve_plan(*, actor: Actor, run: Run, checksum: str) -> SyncTarget:
    """Agree to what a stopped run asks: a plan that the guard held back, or a new tip. Exactly this, once."""
    target = run.target
    access.require(actor, access.Verb.DECIDE, target)
    _require_operator_of_firewall(actor, target)
    lock(run)
    lock(target)
    if run.state != Run.State.STOPPED or not run.agree_to:
        raise Conflict("This run does not wait for an agreement any more.")
    if run.agree_to != checksum:
        raise Conflict("The plan has changed since you read it. Read it again.")
    before = list(target.agreed_to)
    if checksum not in before:
        target.agreed_to = [*before, checksum][-5:]
        target.save(update_fields=["agreed_to"])
    outbox.look_again(target)
    _record(
        actor,
        "approve_plan",
        target,
        f"{actor} agreed to a plan for {target.place}.",
        before={"agreed_to": before},
        after={"agreed_to": target.agreed_to, "plan": checksum, "run": run.pk},
    )
    return target


def _require_operator_of_firewall(actor: Actor, target: SyncTarget) -> None:
    """A firewall is shared by all tenants of its host: those who run the host look, operators decide."""
    if target.firewall is not None:
        access.require(actor, access.Verb.CHANGE, target.firewall)


@transaction.atomic
def change_drift_mode(*, actor: Actor, target: SyncTarget, mode: str) -> SyncTarget:
    """Choose what happens with entries that somebody else changed outside."""
    access.require(actor, access.Verb.CHANGE, target)
    _require_operator_of_firewall(actor, target)
    if mode not in SyncTarget.DriftMode.values:
        raise Invalid.of(
            "drift_mode", f"“{printable(mode, 40)}” is no choice.", "Choose report, repair or adopt."
        )
    lock(target)
    before = target.drift_mode
    if mode == before:
        return target
    target.drift_mode = mode
    target.save(update_fields=["drift_mode"])
    outbox.mark([target])
    _record(
        actor,
        "change_drift_mode",
        target,
        f"Entries that others changed in {target.place} are now handled by: {mode}.",
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
    RepositoryReader.objects.filter(repository=target.repository_id).update(
        read_commit=F("wanted_commit"),
        restarted_at=now,
        due_at=None,
        waiting_since=None,
        urgent=False,
        held="",
    )
    _record(
        actor,
        "confirm_reload",
        target,
        f"{actor} restarted submission and relay for {_domain(target)}.",
        before={"restart": "pending"},
        after={"restart": "done"},
    )


def home_of(target: SyncTarget) -> Domain | Organization:
    """Whose rank decides about looking at the place: its domain's, or of none, its organization's."""
    return _domain(target) or target.organization


def _domain(target: SyncTarget) -> Domain | None:
    return target.repository.domain if target.repository else None


undoable(
    "change_drift_mode",
    find=lambda event: event.sync_target,
    present=lambda target, event: {"drift_mode": target.drift_mode},
    restore=lambda actor, target, event: change_drift_mode(
        actor=actor, target=target, mode=event.before["drift_mode"]
    ),
    told=lambda target, event: f"Entries that others change are handled by: {event.before['drift_mode']}.",
)
final("This looked at the outside and changed nothing.", "check_now", "request_preview")
final("The plan was agreed to once and is carried out. Undo the changes that it held.", "approve_plan")
final("The servers were restarted; that stays so.", "confirm_reload")
