"""What workers write on an upgrade's way: a phase, how all phases stand, its end. Only Rookery itself may.

Each is safe to do again: a worker that was killed in between does it once more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actions.stack_passes import keep_standing, require_system
from tenants.actions.unikernels import change_unikernel, delete_unikernel, start_unikernel
from tenants.actions.upgrade_blueprints import find_image
from tenants.actions.upgrade_turns import lead_to, mark_firewall, turn_back
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.formats.stacks.phases import Standing
from tenants.formats.stacks.upgrade_phases import (
    AT_ONCE,
    FLIP,
    REMOVE,
    is_done,
    is_returned,
    turns_back,
)
from tenants.models import Release, Unikernel, Upgrade, UpgradePhase
from tenants.upgrade_standings import changed_roles, way_of


@transaction.atomic
def write_upgrade_phase(*, actor: Actor, upgrade: Upgrade, phase: str) -> None:
    """Make desired state say what a phase is about. Raises Conflict when the upgrade does not go on any more,
    and Invalid or Conflict for what cannot be."""
    require_system(actor)
    _hold(upgrade, phase)
    if upgrade.state != Upgrade.State.GOING:
        raise Conflict(f"{upgrade} does not go on.")
    beside, in_place = changed_roles(upgrade)
    if phase == FLIP:
        lead_to(upgrade.stack, upgrade.after)
    elif phase == REMOVE:
        for row in unikernels_of(upgrade, upgrade.before, beside)[:AT_ONCE]:
            delete_unikernel(actor=actor, unikernel=row)
    elif phase in in_place:
        _replace(actor, upgrade, phase, upgrade.after)
    elif phase in beside:
        rows = unikernels_of(upgrade, upgrade.after, [phase])
        if not rows:
            raise Conflict("Its unikernel was deleted.")
        start_unikernel(actor=actor, unikernel=rows[0])


@transaction.atomic
def withdraw_upgrade_phase(*, actor: Actor, upgrade: Upgrade, phase: str) -> None:
    """Take back what `write_upgrade_phase` wrote: the old release gets the traffic, what was replaced in
    place is again what it was, and new unikernels are deleted."""
    require_system(actor)
    _hold(upgrade, phase)
    if upgrade.state != Upgrade.State.RETURNING:
        raise Conflict(f"{upgrade} goes on.")
    beside, in_place = changed_roles(upgrade)
    # Together with what is written: from now on the host has to prove that it is as before.
    upgrade.phases.filter(name=phase).update(state=UpgradePhase.State.LEAVING)
    if phase == FLIP:
        lead_to(upgrade.stack, upgrade.before)
    elif phase in in_place:
        _replace(actor, upgrade, phase, upgrade.before)
    elif phase in beside:
        for row in unikernels_of(upgrade, upgrade.after, [phase]):
            delete_unikernel(actor=actor, unikernel=row)


@transaction.atomic
def record_upgrade(
    *, actor: Actor, upgrade: Upgrade, standings: Mapping[str, Standing], seen: int, now: datetime
) -> None:
    """Keep how the phases stand; turn back where one failed; end it where all were proved, or taken back.

    `seen` is how often somebody had it go back when it was looked at: where that was done meanwhile, what was
    seen counts no more.
    """
    require_system(actor)
    stack = upgrade.stack
    lock(stack)
    upgrade.refresh_from_db(fields=["state", "reason", "tries", "ended_at"])
    if upgrade.tries != seen or upgrade.is_over:
        return
    for row in upgrade.phases.all():
        told = standings.get(row.name)
        if told is not None:
            keep_standing(row, told, now)
    if upgrade.state == Upgrade.State.RETURNING:
        if is_returned(standings):
            said = f"{upgrade} is rolled back: {upgrade.before} serves as before."
            _end(actor, upgrade, Upgrade.State.RETURNED, said, now)
    elif failed := turns_back(standings):
        title = next(phase.title for phase in way_of(upgrade) if phase.name == failed)
        turn_back(upgrade, f"{title}: {standings[failed].reason}")
        _record(actor, upgrade, "record_upgrade", f"{upgrade} goes back. {upgrade.reason}")
    elif is_done(standings):
        _prove_roles(upgrade, standings, now)
        said = f"{upgrade} is done: {upgrade.before} had the traffic until then."
        _end(actor, upgrade, Upgrade.State.DONE, said, now)


def unikernels_of(upgrade: Upgrade, release: Release, roles: Collection[str]) -> list[Unikernel]:
    """Those of some roles in one of its releases that are not deleted, in a steady order."""
    labels = [part["label"] for part in release.parts if part["role"] in roles]
    rows = Unikernel.objects.select_related("share__host", "share__sync_target", "share__organization")
    return list(rows.filter(share=upgrade.stack.share_id, name__in=labels, deleted_at=None).order_by("pk"))


def _hold(upgrade: Upgrade, phase: str) -> None:
    """In the order in which rows are locked everywhere."""
    stack = upgrade.stack
    lock(stack.share.host if phase == FLIP else stack.share)
    lock(stack)
    upgrade.refresh_from_db(fields=["state", "tries"])


def _replace(actor: Actor, upgrade: Upgrade, role: str, release: Release) -> None:
    """Have the unikernel of a role be what a release says, under its name and at its address."""
    part = next(each for each in release.parts if each["role"] == role)
    rows = unikernels_of(upgrade, release, [role])
    if not rows:
        raise Conflict("Its unikernel was deleted.")
    image = find_image(upgrade.stack, part["image"])
    if image is None:
        raise Conflict(f"The image {part['image'][:12]} is not here any more. Upload it again.")
    change_unikernel(actor=actor, unikernel=rows[0], image=image, arguments=part["arguments"])
    if not rows[0].running or rows[0].ended:
        start_unikernel(actor=actor, unikernel=rows[0])


def _end(actor: Actor, upgrade: Upgrade, state: Upgrade.State, sentence: str, now: datetime) -> None:
    upgrade.state, upgrade.ended_at = state, now
    upgrade.save(update_fields=["state", "ended_at"])
    mark_firewall(upgrade.stack)
    _record(actor, upgrade, "record_upgrade", sentence)


def _record(actor: Actor, upgrade: Upgrade, verb: str, sentence: str) -> None:
    stack = upgrade.stack
    record(
        actor,
        verb,
        stack,
        sentence,
        domain=stack.domain,
        target=stack.sync_target,
        after={"release": upgrade.after.number, "state": upgrade.state},
    )


def _prove_roles(upgrade: Upgrade, standings: Mapping[str, Standing], now: datetime) -> None:
    """The stack's own phases tell of what serves now."""
    beside, in_place = changed_roles(upgrade)
    for row in upgrade.stack.phases.filter(name__in=beside | in_place):
        keep_standing(row, standings[row.name], now)


final("Make an earlier release current instead.", "record_upgrade")
