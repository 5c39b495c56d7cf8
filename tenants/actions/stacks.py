"""Mail stacks: made from a confirmed plan, cancelled, resumed, retried, removed. A worker walks the phases.

What is made here is desired state, all in one transaction: addresses, keys, seeds, unikernels that do not run
yet. Which of them start when is decided by tenants.formats.stacks.phases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.blueprints import Blueprint, Choices, preview_stack
from tenants.actions.canaries import carry_canary, insert_canary
from tenants.actions.firewalls import require_possible
from tenants.actions.locking import lock, lock_kept
from tenants.actions.readers import link_reader
from tenants.actions.reversals import final
from tenants.actions.shared_roles import require_unused
from tenants.actions.stack_secrets import Made, make_secrets
from tenants.actions.unikernels import create_unikernel, start_unikernel
from tenants.actions.upgrade_turns import give_up_upgrade
from tenants.actor import Actor
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.stacks.phases import Phase, phases_of
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.wish import Wish
from tenants.formats.text import FormatError, check_text, printable
from tenants.models import (
    Domain,
    Firewall,
    PrimaryServer,
    Release,
    RepositoryReader,
    Stack,
    StackPhase,
    SyncTarget,
    Unikernel,
    UpgradePhase,
)
from tenants.stack_wishes import relay_of, zone_of

PhaseT = TypeVar("PhaseT", StackPhase, UpgradePhase)
_FIRST_START = 20
"""In the order in which a host starts unikernels: what others depend on comes first."""


@transaction.atomic
def make_stack(*, actor: Actor, domain: Domain, choices: Choices, plan: str) -> Stack:
    """Make exactly the stack that was shown; `plan` is the digest of its blueprint.

    Raises Invalid with all that is lacking, and Conflict when the plan is another one by now.
    """
    lock(domain)
    zone = zone_of(domain)
    if zone is not None:
        lock_kept(zone)
    lock(choices.share.host)
    lock(choices.share)
    blueprint = preview_stack(actor=actor, domain=domain, choices=choices)
    if blueprint.lacking:
        raise Invalid(blueprint.lacking)
    if blueprint.digest != plan:
        raise Conflict("The plan is another one by now. Read it again, then confirm it.")
    if zone is not None and "primary" in choices.images:
        PrimaryServer.objects.filter(repository__sync_target=zone.target).update(removed_with="")
    stack = _row(domain, choices, blueprint)
    targets = _targets(stack)
    marked = outbox.mark(targets.values())
    _hatch_canary(actor, stack, marked)
    made = make_secrets(actor, stack, blueprint)
    _unikernels(actor, stack, choices, blueprint, made)
    stack.release = Release.objects.create(
        stack=stack,
        number=1,
        parts=parts_of(blueprint.plan.roles, blueprint.wish),
        services={role: each.address for role, each in blueprint.wish.shared.items()},
        note="The first.",
        made_by=str(actor)[:300],
        made_at=timezone.now(),
    )
    stack.save(update_fields=["release"])
    keep_phases(stack, phases(stack))
    record(
        actor,
        "make_stack",
        stack,
        f"The mail of {domain} gets {len(blueprint.plan.roles)} unikernels on {choices.share.host}.",
        domain=domain,
        target=stack.sync_target,
        after=_told(stack, blueprint),
    )
    return stack


def _row(domain: Domain, choices: Choices, blueprint: Blueprint) -> Stack:
    wish = blueprint.wish
    stack = Stack.objects.create(
        domain=domain,
        share=choices.share,
        network=choices.network,
        public=choices.public,
        submission_host=wish.submission,
        selector=wish.selector,
        git_address=wish.git.host,
        production=wish.production,
        open_relay=wish.open_relay,
        changed_at=timezone.now(),
    )
    SyncTarget.objects.create(
        kind=SyncTarget.Kind.STACK,
        organization=domain.organization,
        stack=stack,
        drift_mode=SyncTarget.DriftMode.REPAIR,
        marked_at=timezone.now(),
    )
    return stack


def _hatch_canary(actor: Actor, stack: Stack, marked: Mapping[int, int]) -> None:
    """Its entry goes out with what was `marked`, before any role that reads it starts."""
    insert_canary(actor, stack)
    relay = relay_of(stack.domain)
    if relay is not None:
        carry_canary(stack, marked[relay.sync_target.pk])


def _targets(stack: Stack) -> dict[int, SyncTarget]:
    """All that is touched when a stack is made, to be marked together: locks are taken in one order."""
    relay, zone = relay_of(stack.domain), zone_of(stack.domain)
    found = [stack.sync_target, stack.share.sync_target]
    found += [relay.sync_target] if relay is not None else []
    found += [zone.target] if zone is not None else []
    return {target.pk: target for target in found}


def _unikernels(actor: Actor, stack: Stack, choices: Choices, blueprint: Blueprint, made: Made) -> None:
    relay = relay_of(stack.domain)
    cpus = sorted(choices.share.cpuids)
    for index, each in enumerate(blueprint.plan.roles):
        role = each.role
        row = create_unikernel(
            actor=actor,
            share=choices.share,
            name=each.label,
            running=False,
            image=choices.images[role.name],
            memory=role.memory,
            cpuid=cpus[index % len(cpus)],
            networks={role.device: choices.network},
            addresses={role.device: each.address},
            arguments=list(each.arguments),
            secrets={secret.name: made.value(role.name, secret.name) for secret in each.secrets},
            restart_on_exit=sorted(role.restart_on_exit),
            startup=_FIRST_START + list(ROLES).index(role.name),
        )
        if relay is not None and role.name in RepositoryReader.Role.values:
            link_reader(actor=actor, repository=relay, unikernel=row, role=role.name)


def parts_of(roles: Iterable[Placed], wish: Wish) -> list[dict[str, object]]:
    """Roles as a release keeps them."""
    return [
        {
            "role": each.role.name,
            "era": each.era.value,
            "image": wish.images[each.role.name].digest,
            "label": each.label,
            "address": each.address,
            "arguments": list(each.arguments),
        }
        for each in roles
    ]


def _told(stack: Stack, blueprint: Blueprint) -> dict[str, object]:
    return {
        "public": stack.public.address,
        "host": str(stack.share.host),
        "production": stack.production,
        "open_relay": stack.open_relay,
        "unikernels": [each.label for each in blueprint.plan.roles],
    }


# Its phases -------------------------------------------------------------------------------------------


def phases(stack: Stack) -> tuple[Phase, ...]:
    """The way of the stack's present release."""
    release = stack.release
    assert release is not None  # noqa: S101 - null only inside of `make_stack`
    roles = release.labels
    receives = stack.open_relay or "verifier" not in roles
    return phases_of(list(roles), receives=receives, own_primary="primary" in roles)


def keep_phases(stack: Stack, wanted: Iterable[Phase]) -> None:
    """A row for each phase, as it stands; those that are none any more go."""
    keep_phase_rows(stack.phases.all(), wanted, lambda name: StackPhase(stack=stack, name=name))


def keep_phase_rows(rows: QuerySet[PhaseT], wanted: Iterable[Phase], new: Callable[[str], PhaseT]) -> None:
    """The same for any way; `new` is a row that is not saved yet."""
    known = {row.name: row for row in rows}
    for position, phase in enumerate(wanted, start=1):
        row = known.pop(phase.name, None) or new(phase.name)
        if row.position != position:
            row.position = position
            row.save()
    rows.filter(pk__in=[row.pk for row in known.values()]).delete()


# What people ask of it --------------------------------------------------------------------------------


@transaction.atomic
def retry_phase(*, actor: Actor, stack: Stack, phase: str) -> StackPhase:
    """Try one part again that failed, with all its time before it."""
    access.require(actor, access.Verb.SWITCH, stack)
    lock(stack)
    row = stack.phases.filter(name=phase).first()
    if row is None:
        known = ", ".join(stack.phases.values_list("name", flat=True))
        raise Invalid.of("phase", f"There is no part “{printable(phase, 40)}”.", f"Use one of {known}.")
    if row.state != StackPhase.State.FAILED:
        raise Conflict(f"That part has not failed: it is {row.get_state_display()}.")
    row.state, row.reason, row.began_at, row.ended_at = StackPhase.State.PENDING, "", None, None
    row.tries += 1
    row.save()
    unikernel = unikernel_of(stack, phase)
    if unikernel is not None and stack.wanted == Stack.Wanted.RUNNING and unikernel.ended:
        start_unikernel(actor=Actor.rookery(actor.via, f"Rookery, for {actor}"), unikernel=unikernel)
    _mark_and_record(actor, "retry_phase", stack, f"{actor} has {stack} try again: {phase}.", phase=phase)
    return row


@transaction.atomic
def cancel_stack(*, actor: Actor, stack: Stack) -> Stack:
    """Take back what runs and what lets mail in; keys, addresses and records stay, so that it can go on.

    Raises Conflict while another stack uses what runs here.
    """
    access.require(actor, access.Verb.SWITCH, stack)
    require_unused(stack)
    if _switched(actor, stack, Stack.Wanted.CANCELLED):
        _mark_and_record(actor, "cancel_stack", stack, f"{stack} was cancelled: nothing of it shall run.")
    return stack


@transaction.atomic
def resume_stack(*, actor: Actor, stack: Stack) -> Stack:
    """Go on with a stack that was cancelled, from what is there."""
    if _switched(actor, stack, Stack.Wanted.RUNNING):
        _mark_and_record(actor, "resume_stack", stack, f"{stack} goes on.")
    return stack


@transaction.atomic
def remove_stack(*, actor: Actor, stack: Stack, name: str) -> Stack:
    """Take all of it back: its MX record first, its keys last. `name` is the domain's, typed again.

    Addresses and other records of the domain stay. The stack is forgotten when its end was proved. Raises
    Conflict while another stack uses what runs here.
    """
    access.require(actor, access.Verb.DELETE, stack)
    require_unused(stack)
    if name.strip().lower() != stack.domain.name:
        raise Invalid.of("name", "That is not the domain's name.", f"Type {stack.domain} to remove it.")
    lock(stack)
    if stack.wanted == Stack.Wanted.REMOVED:
        return stack
    _want(stack, Stack.Wanted.REMOVED)
    relay = relay_of(stack.domain)
    also = [relay.sync_target] if relay is not None else []
    sentence = f"{stack} is taken back, with its unikernels and keys."
    marked = _mark_and_record(actor, "remove_stack", stack, sentence, also=also)
    for target in also:
        carry_canary(stack, marked[target.pk])
    return stack


@transaction.atomic
def decide_open_relay(*, actor: Actor, stack: Stack, open_relay: bool, reason: str = "") -> Stack:
    """Whether port 25 is opened although the receiver takes mail for any recipient, and the relay delivers
    it. Opening needs a reason, which the history keeps. Closed again, the MX record stays: who sends mail
    here waits and tries again for some days."""
    access.require(actor, access.Verb.DECIDE, stack)
    reason = _checked_reason(reason, is_needed=open_relay)
    lock(stack.share.host)
    lock(stack)
    _require_not_leaving(stack)
    if stack.open_relay == open_relay:
        return stack
    stack.open_relay, stack.changed_at = open_relay, timezone.now()
    stack.save(update_fields=["open_relay", "changed_at"])
    if open_relay:
        keep_phases(stack, phases(stack))
    firewall = Firewall.objects.filter(host=stack.share.host_id).select_related("sync_target", "host").first()
    if firewall is not None:
        require_possible(firewall)
    how = "opened, although its receiver takes any recipient" if open_relay else "closed"
    _mark_and_record(
        actor,
        "decide_open_relay",
        stack,
        f"Port 25 of {stack.domain} is {how}.",
        also=[firewall.sync_target] if firewall is not None else [],
        reason=reason,
        open_relay=open_relay,
    )
    return stack


def _checked_reason(reason: str, *, is_needed: bool) -> str:
    checks = Checks()
    with checks:
        reason = check_text(reason, field="reason", maximum=200) if reason.strip() else ""
        if is_needed and not reason:
            fix = "Say what keeps strangers from using it, or why that is accepted."
            raise FormatError("reason", "This decision needs a reason.", fix)
    checks.finish()
    return reason


def unikernel_of(stack: Stack, role: str) -> Unikernel | None:
    """The unikernel of a role in the present release; None where something else fills it."""
    label = stack.release.labels.get(role) if stack.release is not None else None
    rows = Unikernel.objects.select_related("share__host", "share__sync_target", "share__organization")
    return rows.filter(share=stack.share_id, name=label, deleted_at=None).first() if label else None


def _switched(actor: Actor, stack: Stack, wanted: Stack.Wanted) -> bool:
    """Have it run or not; False where that was wanted already."""
    access.require(actor, access.Verb.SWITCH, stack)
    lock(stack)
    _require_not_leaving(stack)
    if stack.wanted == wanted:
        return False
    _want(stack, wanted)
    return True


def _require_not_leaving(stack: Stack) -> None:
    if stack.wanted == Stack.Wanted.REMOVED:
        raise Conflict(f"{stack} is being removed.")


def _want(stack: Stack, wanted: Stack.Wanted) -> None:
    """Another wish is another way: what failed on the way before is tried anew."""
    stack.wanted, stack.changed_at = wanted, timezone.now()
    stack.save(update_fields=["wanted", "changed_at"])
    if wanted != Stack.Wanted.RUNNING:
        give_up_upgrade(stack, f"The stack is {stack.get_wanted_display()}.")
    stack.phases.filter(state=StackPhase.State.FAILED).update(
        state=StackPhase.State.PENDING, reason="", began_at=None, ended_at=None
    )


def _mark_and_record(
    actor: Actor,
    verb: str,
    stack: Stack,
    sentence: str,
    *,
    also: Sequence[SyncTarget] = (),
    reason: str = "",
    **after: object,
) -> Mapping[int, int]:
    """Returns the generation that each of the targets has now, by its id."""
    target = stack.sync_target
    marked = outbox.mark([target, *also])
    record(
        actor,
        verb,
        stack,
        sentence,
        domain=stack.domain,
        target=target,
        after={"wanted": stack.wanted, **after},
        reason=reason,
    )
    return marked


final("Remove the stack instead, with all it made.", "make_stack")
final("It was tried again; that stays so.", "retry_phase")
final("Let it go on instead.", "cancel_stack")
final("Cancel it instead.", "resume_stack")
final("Make another stack for the domain, when this one is gone.", "remove_stack")
final("Decide the other way instead.", "decide_open_relay")
