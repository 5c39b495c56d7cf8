"""What workers write on a stack's way: a phase, its end, how all phases stand. Only Rookery itself may.

Each is safe to do again: a worker that was killed in between does it once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.db.models import F

from tenants import outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock, lock_kept
from tenants.actions.record_sets import RecordChange, change_record_sets
from tenants.actions.reversals import final
from tenants.actions.stack_records import changes_for, mx_set, places_of, sets_of
from tenants.actions.stacks import unikernel_of
from tenants.actions.tsig_keys import remove_key
from tenants.actions.unikernels import delete_unikernel, start_unikernel, stop_unikernel
from tenants.actions.upgrade_turns import mark_firewall
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden
from tenants.formats.stacks.phases import FIREWALL, GIT_ACCESS, MX, OPEN, RECORDS, Standing, State
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.stored import stored_texts
from tenants.models import Canary, PrimaryServer, Stack, StackPhase, TsigKey, UpgradePhase
from tenants.stack_wishes import relay_of, zone_of

_ENDED = {State.PROVED, State.FAILED, State.GONE}
_SYSTEM = "Only Rookery's workers walk the phases of a mail stack."


@transaction.atomic
def record_phases(
    *, actor: Actor, stack: Stack, standings: Mapping[str, Standing], seen: Mapping[str, int], now: datetime
) -> None:
    """Keep how the phases stand. `seen` is how often each had been tried again when they were looked at: one
    that somebody asked for meanwhile stays as he left it."""
    require_system(actor)
    lock(stack)
    for row in stack.phases.all():
        told = standings.get(row.name)
        if told is None or row.tries != seen.get(row.name):
            continue
        if row.state != told.state.value and row.name == "primary" and told.state is State.PROVED:
            _tell_zone(stack)
        keep_standing(row, told, now)


def keep_standing(row: StackPhase | UpgradePhase, told: Standing, now: datetime) -> None:
    state = StackPhase.State(told.state.value)
    if row.state != state:
        row.ended_at = now if told.state in _ENDED else None
    row.state, row.reason, row.began_at = state, told.reason[:1000], told.began
    row.proof = dict(told.proof)
    row.save()


@transaction.atomic
def write_phase(*, actor: Actor, stack: Stack, phase: str) -> None:
    """Make desired state say what a phase is about. Raises Conflict when the stack shall not run any more,
    and Invalid or Conflict for what cannot be."""
    require_system(actor)
    _hold(stack, phase)
    if stack.wanted != Stack.Wanted.RUNNING:
        raise Conflict(f"{stack} shall not run any more.")
    if phase == RECORDS:
        _write_records(actor, stack, sets_of(stack))
    elif phase == MX:
        _write_records(actor, stack, (mx_set(stack),))
    elif phase in (FIREWALL, OPEN):
        _set_firewall(stack, Stack.Firewall.OPEN if phase == OPEN else Stack.Firewall.PREPARED)
    elif phase != GIT_ACCESS:
        row = unikernel_of(stack, phase)
        if row is None:
            raise Conflict("Its unikernel was deleted. Remove the stack, and make it anew.")
        start_unikernel(actor=actor, unikernel=row)


@transaction.atomic
def withdraw_phase(*, actor: Actor, stack: Stack, phase: str) -> None:
    """Take back what `write_phase` wrote: unikernels are stopped, or deleted when the stack is removed;
    records stay, but for MX."""
    require_system(actor)
    _hold(stack, phase)
    if stack.wanted == Stack.Wanted.RUNNING:
        raise Conflict(f"{stack} goes on.")
    if phase == RECORDS:
        for key in TsigKey.objects.filter(used_in_stacks__stack=stack, removed=False).distinct():
            remove_key(actor=actor, key=key)
    elif phase == MX:
        _take_mx(actor, stack)
    elif phase in (FIREWALL, OPEN):
        _set_firewall(stack, Stack.Firewall.PREPARED if phase == OPEN else Stack.Firewall.CLOSED)
    elif phase != GIT_ACCESS:
        row = unikernel_of(stack, phase)
        if row is not None and stack.wanted == Stack.Wanted.REMOVED:
            delete_unikernel(actor=actor, unikernel=row)
        elif row is not None:
            stop_unikernel(actor=actor, unikernel=row)


def forget_removed_stacks(*, actor: Actor, at_most: int = 20) -> int:
    """Drop the rows of stacks whose end was proved, with their keys; returns how many."""
    require_system(actor)
    phases_left = StackPhase.objects.exclude(state=StackPhase.State.GONE)
    rows = Stack.objects.filter(
        wanted=Stack.Wanted.REMOVED,
        sync_target__observed_generation__gte=F("sync_target__generation"),
        sync_target__stop_code="",
    ).exclude(phases__in=phases_left)
    # Those whose relay repository never answers again are no reason to pass over others.
    ended = (row for row in rows.select_related("domain").order_by("pk").iterator() if not _has_canary(row))
    gone = list(islice(ended, at_most))
    for stack in gone:
        with transaction.atomic():
            sentence = f"{stack} is gone: its unikernels, keys and rights were proved away."
            record(actor, "forget_removed_stacks", stack, sentence, domain=stack.domain)
            _end_its_primary(stack)
            Stack.objects.filter(pk=stack.pk).update(release=None)
            stack.delete()
    return len(gone)


def _has_canary(stack: Stack) -> bool:
    """Is its canary's entry still to be taken out of the relay repository?"""
    relay, canary = relay_of(stack.domain), Canary.objects.filter(stack=stack).first()
    if relay is None or canary is None:
        return False
    return relay.sync_target.observed_generation < canary.generation


def require_system(actor: Actor) -> None:
    if not actor.system:
        raise Forbidden(_SYSTEM)


def _hold(stack: Stack, phase: str) -> None:
    """In the order in which rows are locked everywhere."""
    zone = zone_of(stack.domain) if phase in (RECORDS, MX) else None
    if zone is not None:
        lock_kept(zone)
    if phase in (FIREWALL, OPEN):
        lock(stack.share.host)
    elif phase not in (RECORDS, MX, GIT_ACCESS):
        lock(stack.share)
    lock(stack)


def _write_records(actor: Actor, stack: Stack, wanted: Iterable[Records]) -> None:
    zone = zone_of(stack.domain)
    if zone is None:
        raise Conflict("Rookery keeps no zone for the domain any more.")
    if changes := changes_for(zone, wanted):
        change_record_sets(actor=actor, zone=zone, changes=changes)


def _take_mx(actor: Actor, stack: Stack) -> None:
    """Others may have been added to the set meanwhile: those stay."""
    zone, wanted = zone_of(stack.domain), mx_set(stack)
    row = places_of(zone).get((stack.domain.name, "MX")) if zone is not None else None
    if zone is None or row is None:
        return
    left = tuple(text for text in row.data if text not in stored_texts(wanted))
    change_record_sets(actor=actor, zone=zone, changes=[RecordChange("@", "MX", left, row.ttl)])


def _tell_zone(stack: Stack) -> None:
    """What waits for its primary need not wait for its next try."""
    zone = zone_of(stack.domain)
    if zone is not None:
        outbox.look_again(zone.target)


def _end_its_primary(stack: Stack) -> None:
    """The zone stays as it is wanted, but nobody serves it: waiting for an answer would be in vain. Its keys
    left git before, and the one server that knew them is gone: a new stack may have keys of these names."""
    zone = zone_of(stack.domain)
    repository = zone.target.repository if zone is not None else None
    if repository is None or stack.release is None or "primary" not in stack.release.labels:
        return
    PrimaryServer.objects.filter(repository=repository).update(removed_with=stack.domain.name)
    TsigKey.objects.filter(used_in_stacks__stack=stack, repository=repository, removed=True).delete()
    outbox.look_again(repository.sync_target)


def _set_firewall(stack: Stack, state: Stack.Firewall) -> None:
    if stack.firewall == state:
        return
    stack.firewall = state
    stack.save(update_fields=["firewall"])
    mark_firewall(stack)


final("It was proved to be gone. Make another stack for the domain.", "forget_removed_stacks")
