"""After a restore: nothing is written outside, and no message of then is sent, before a person has compared.

What was taken into a backup is some hours old. Others, and this very Rookery, may have changed the outside
since; so every target begins held: looked at in *report* mode, with a plan and findings that people read.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.apps import apps
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_installation
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.models import Installation, OutgoingMail, SyncTarget, WebhookDelivery
from tenants.models.agreed import AgreedPlan
from tenants.models.sync import LONG_AGO

# Mails that wait until somebody decides about them have their next try then.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# A lease or a claim is somebody's who does not know this database.
_LEASES = {"lease_owner": "", "lease_until": LONG_AGO, "claimed_until": LONG_AGO}


def held_targets() -> QuerySet[SyncTarget]:
    return SyncTarget.objects.filter(held_since__isnull=False)


def held_deliveries() -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(state=WebhookDelivery.State.WAITING, next_try_at=NEVER)


def held_mails() -> QuerySet[OutgoingMail]:
    return OutgoingMail.objects.filter(sent_at=None, given_up_at=None, next_try_at=NEVER)


@transaction.atomic
def begin_after_restore(*, actor: Actor, seen_at: datetime) -> Installation:
    """What the rows of a backup need before anybody works with them; `seen_at` is when they were so.

    Sessions and links that sign in are in no backup, so there is none to end here.
    """
    if not actor.system:
        raise Forbidden("A backup is restored at the server's command line: manage.py restore FILE.")
    now = timezone.now()
    here = Installation.objects.get(pk=Installation.current_id())
    here.restored_at, here.restored_from = now, seen_at
    # The next backup is due at once: the restored world has none of its own.
    here.swept_at = here.backup_begun_at = here.backed_up_at = None
    here.backup_problem = ""
    here.save()
    for model in apps.get_app_config("tenants").get_models():
        own = {name: value for name, value in _LEASES.items() if _has(model, name)}
        if own:
            model._default_manager.update(**own)
    # One that is held already keeps what it had before.
    SyncTarget.objects.filter(held_since=None).update(mode_before=F("drift_mode"))
    SyncTarget.objects.update(
        held_since=now,
        drift_mode=SyncTarget.DriftMode.REPORT,
        agreed_to=[],
        stop_code="",
        stop_generation=0,
        failures=0,
        next_try_at=now,
        next_check_at=LONG_AGO,
    )
    OutgoingMail.objects.filter(sent_at=None, given_up_at=None).update(next_try_at=NEVER)
    WebhookDelivery.objects.filter(state=WebhookDelivery.State.WAITING).update(next_try_at=NEVER)
    for agreed in AgreedPlan.__subclasses__():
        _forget_agreements(agreed)
    record(
        actor,
        "begin_after_restore",
        "this Rookery",
        f"All of this came out of a backup of {seen_at:%Y-%m-%d %H:%M} UTC. Nothing is written outside before"
        " somebody lets it go.",
    )
    return here


def _has(model: type, name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)  # type: ignore[attr-defined]


def _forget_agreements(model: type[AgreedPlan]) -> None:
    """A machine that a person agreed to set up then was set up since, or is not as it was."""
    rows = model._default_manager.exclude(Q(asked="") & Q(agreed=""))
    said = "This came out of a backup before it was done. Look again, and agree to what is still to be done."
    rows.update(asked="", agreed="", state=AgreedPlan.State.UNKNOWN, sentence=said, plan="", steps=[])


def _require_operator(actor: Actor) -> None:
    if not access.may_create(actor, access.Kind.SYNC_TARGET, None):
        raise Forbidden("What came out of a backup is let go by the operators of this Rookery. Ask one.")


@transaction.atomic
def let_go(*, actor: Actor, target: SyncTarget, mode: str = SyncTarget.DriftMode.REPORT) -> SyncTarget:
    """Let workers write to `target` again. `mode` is *report*, or the mode that it had in the backup.

    In *report* mode what others changed since stays as it is, and is shown.
    """
    access.require(actor, access.Verb.VIEW, target)
    _require_operator(actor)
    lock(target)
    if target.held_since is None:
        raise Conflict(f"{target.place} was let go already.")
    if mode not in {SyncTarget.DriftMode.REPORT.value, target.mode_before}:
        raise Conflict(f"It goes on in report mode, or as it was: {target.mode_before or 'report'}.")
    before = target.drift_mode
    target.held_since, target.mode_before, target.drift_mode = None, "", mode
    target.save(update_fields=["held_since", "mode_before", "drift_mode"])
    outbox.mark([target])
    record(
        actor,
        "let_go",
        target,
        f"{actor} compared {target.place} with the backup's state and let it go, in {mode} mode.",
        organization=target.organization,
        domain=target.repository.domain if target.repository else None,
        target=target,
        before={"held": True, "drift_mode": before},
        after={"held": False, "drift_mode": mode},
    )
    return target


@transaction.atomic
def let_all_go(*, actor: Actor) -> int:
    """Let go of every held target, in *report* mode; returns how many."""
    _require_operator(actor)
    held = list(held_targets().order_by("pk"))
    for target in held:
        let_go(actor=actor, target=target)
    return len(held)


@transaction.atomic
def decide_held_messages(*, actor: Actor, send: bool) -> int:
    """Send the mails and tell the webhooks that were due when the backup was made, or drop both; returns how
    many."""
    _require_operator(actor)
    lock_installation()
    now, mails, deliveries = timezone.now(), held_mails(), held_deliveries()
    if send:
        count = mails.update(next_try_at=LONG_AGO, created_at=now)
        count += deliveries.update(next_try_at=now)
    else:
        told = "Not sent: it was due when a backup was made, and an operator dropped it after the restore."
        count = mails.update(given_up_at=now, sealed_body=None, problem=told)
        count += deliveries.update(state=WebhookDelivery.State.FAILED, finished_at=now, problem=told)
    if count:
        record(
            actor,
            "decide_held_messages",
            "messages that were due",
            f"{count} mails and messages to webhooks that were due when the backup was made were"
            f" {'let go' if send else 'dropped'}.",
            after={"messages": count, "sent": send},
        )
    return count


final("A restore is not undone: begin again with an empty installation.", "begin_after_restore")
final("Workers look at it again already. Its drift mode says what becomes of others' changes.", "let_go")
final("They were sent, or dropped for good.", "decide_held_messages")
