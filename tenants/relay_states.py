"""What addresses of one domain share: how its relay stands, and what its mail servers have read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

from tenants.address_states import AddressFacts
from tenants.models import Condition, Domain, Mailbox, Repository, Run, SyncTarget

Conditions = Mapping[str, Condition]


def target_of(domain: Domain) -> SyncTarget | None:
    """The relay's sync target, from a domain loaded by `with_relay`; nothing while none is connected."""
    relay: Repository | None = getattr(domain, "relay", None)
    return getattr(relay, "sync_target", None)


def is_stopped(target: SyncTarget | None) -> TypeGuard[SyncTarget]:
    """Does it wait for a person? After somebody acted it has a newer mark, and a worker goes on."""
    return target is not None and bool(target.stop_code) and target.stop_generation >= target.generation


def conditions_of(target: SyncTarget | None) -> dict[str, Condition]:
    return {row.type: row for row in target.conditions.all()} if target is not None else {}


# What the mail servers have read ----------------------------------------------------------------------


def is_taken_up(target: SyncTarget | None, conditions: Conditions) -> bool:
    """Did the mail servers read the commit that was proved last?

    The condition is written after the proof, so one about an earlier commit means: not yet.
    """
    reload = conditions.get(Condition.Type.RELOAD_PENDING)
    if reload is not None and reload.status:
        return False
    commit = target.proof.get("commit") if target is not None else None
    return not commit or (reload is not None and reload.details.get("commit") == commit)


def taken_up_generation(target: SyncTarget, conditions: Conditions) -> int:
    """Changes up to this generation are in what the mail servers run. One query, and only while some wait.

    A wait began with the last run that was done by the condition's `since`; what runs is the one before.
    """
    if is_taken_up(target, conditions):
        return target.observed_generation
    runs = target.runs.filter(mode=Run.Mode.APPLY, state=Run.State.SUCCEEDED)
    reload = conditions.get(Condition.Type.RELOAD_PENDING)
    if reload is not None and reload.status:
        runs = runs.filter(finished_at__lte=reload.since)
    done = list(runs.order_by("-finished_at", "-pk").values_list("generation", flat=True)[:2])
    return done[1] if len(done) == 2 else 0


@dataclass(frozen=True)
class RelayState:
    """What every address of one domain needs to know about its relay."""

    target: SyncTarget | None
    conditions: Conditions
    taken_up_generation: int

    @cached_property
    def left_alone(self) -> Collection[str]:
        """Local parts whose entries somebody else changed outside."""
        found: dict[str, Any] = self.target.proof.get("apart", {}) if self.target is not None else {}
        return found

    def holds_not(self, kind: str) -> bool:
        """Is the condition known, and not so?"""
        return kind in self.conditions and not self.conditions[kind].status

    @cached_property
    def is_stopped(self) -> bool:
        return is_stopped(self.target)

    @cached_property
    def is_reachable(self) -> bool:
        """As far as is known."""
        return not self.holds_not(Condition.Type.REACHABLE)

    @cached_property
    def restart_by_hand(self) -> bool:
        row = self.conditions.get(Condition.Type.RELOAD_PENDING)
        return row is not None and row.status and row.reason == "RestartByHand"


def relay_state(domain: Domain) -> RelayState:
    """Of a domain loaded with its relay and conditions (`with_relay` of the panel)."""
    return state_of(target_of(domain))


def state_of(target: SyncTarget | None) -> RelayState:
    """How a sync target stands; of none, what addresses of an unconnected domain share."""
    conditions = conditions_of(target)
    read = taken_up_generation(target, conditions) if target is not None else 0
    return RelayState(target=target, conditions=conditions, taken_up_generation=read)


def relay_states(target_ids: Collection[int]) -> dict[int, RelayState]:
    """By sync target; two queries for all, and one more for each whose mail servers have to restart."""
    rows = SyncTarget.objects.filter(pk__in=target_ids).prefetch_related("conditions")
    return {row.pk: state_of(row) for row in rows}


def is_observed(mailbox: Mailbox, target: SyncTarget | None) -> bool:
    """Is the last change of `mailbox` proved outside?"""
    return holds(target, mailbox.generation)


def holds(target: SyncTarget | None, generation: int) -> bool:
    """Does the outside hold what counted `target` up to `generation`? From before the relay came it is 0."""
    return target is not None and target.observed_generation >= max(generation, 1)


def address_facts(
    relay: RelayState, *, local_part: str, generation: int, enabled: bool, trashed: bool, reached: bool
) -> AddressFacts:
    """What the state of one address depends on, from its columns and its relay."""
    target = relay.target
    left_alone = local_part in relay.left_alone
    return AddressFacts(
        enabled=enabled,
        trashed=trashed,
        confirmed=reached,
        connected=target is not None,
        observed=holds(target, generation) and not left_alone,
        stopped=relay.is_stopped,
        reachable=relay.is_reachable,
        left_alone=left_alone,
        taken_up=generation <= relay.taken_up_generation,
        restart_by_hand=relay.restart_by_hand,
    )
