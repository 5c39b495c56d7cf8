"""Upgrades of mail stacks: begun from a confirmed plan, or back to an earlier release's images; rolled back.

A release is never changed, and what it ran on is gone once another one has taken over. So to make an earlier
one current is to make the next one with the same images.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.firewalls import require_possible
from tenants.actions.locking import lock
from tenants.actions.readers import link_reader
from tenants.actions.reversals import final
from tenants.actions.stacks import keep_phase_rows, parts_of, unikernel_of
from tenants.actions.unikernels import create_unikernel
from tenants.actions.upgrade_blueprints import (
    UpgradeBlueprint,
    images_of,
    preview_upgrade,
    require_nothing_lacks,
)
from tenants.actions.upgrade_turns import turn_back
from tenants.actor import Actor
from tenants.errors import Checks, Conflict
from tenants.formats.stacks.placing import Placed
from tenants.formats.stacks.upgrade_phases import is_final, upgrade_phases
from tenants.formats.text import check_text
from tenants.models import (
    Firewall,
    Image,
    Release,
    Repository,
    RepositoryReader,
    Stack,
    Upgrade,
    UpgradePhase,
)
from tenants.stack_wishes import relay_of, upgrade_of
from tenants.upgrade_standings import changed_roles, standings_of

LONGEST_NOTE = 200


@transaction.atomic
def upgrade_stack(
    *, actor: Actor, stack: Stack, images: Mapping[str, Image], plan: str, note: str = ""
) -> Upgrade:
    """Begin exactly the upgrade that was shown: other images for some roles, by role; `plan` is the digest of
    its blueprint, `note` says why, for those who read the releases later.

    Raises Invalid with what cannot be or is lacking, and Conflict when the plan is another one by now, or the
    stack is on its way to something else.
    """
    _hold(stack)
    blueprint = preview_upgrade(actor=actor, stack=stack, images=images)
    note = check_release_note(note)
    require_nothing_lacks(blueprint, plan)
    number = blueprint.wish.release
    changed = ", ".join(each.role.title for each in blueprint.following.roles if _is_changed(each, blueprint))
    sentence = f"{stack} is upgraded to release {number}: {changed}."
    return _begin(actor, blueprint, "upgrade_stack", note, sentence, reason=note)


@transaction.atomic
def make_current(*, actor: Actor, release: Release, plan: str) -> Upgrade:
    """Go back to the images of an earlier release, as the next one. `plan` is the digest of `preview_return`.

    Raises Invalid when an image is not there any more, and see `upgrade_stack`.
    """
    stack = release.stack
    _hold(stack)
    blueprint = preview_return(actor=actor, release=release)
    require_nothing_lacks(blueprint, plan)
    sentence = f"{stack} goes back to {release}, as release {blueprint.wish.release}."
    return _begin(actor, blueprint, "make_current", f"As {release}.", sentence)


def preview_return(*, actor: Actor, release: Release) -> UpgradeBlueprint:
    """Return what would be done to make an earlier release current; see `preview_upgrade`."""
    access.require(actor, access.Verb.CHANGE, release.stack)
    if release.pk == release.stack.release_id:
        raise Conflict(f"{release} is the current one.".capitalize())
    return preview_upgrade(actor=actor, stack=release.stack, images=images_of(actor, release))


@transaction.atomic
def roll_back(*, actor: Actor, stack: Stack) -> Upgrade:
    """Have the upgrade that is on its way go back: the old release keeps the traffic, or gets it again. One
    that goes back already, and got stuck, is tried again."""
    access.require(actor, access.Verb.SWITCH, stack)
    lock(stack)
    upgrade = upgrade_of(stack)
    if upgrade is None:
        raise Conflict(f"No upgrade of {stack} is on its way. Make an earlier release current instead.")
    if upgrade.state == Upgrade.State.GOING and is_final(standings_of(upgrade)):
        raise Conflict(
            f"The old ones are being removed already. When that is done, make {upgrade.before} current."
        )
    turn_back(upgrade, f"{actor} rolled it back.")
    record(
        actor,
        "roll_back",
        stack,
        f"{actor} rolls {upgrade} back to {upgrade.before}.",
        domain=stack.domain,
        target=stack.sync_target,
        after={"release": upgrade.after.number, "back_to": upgrade.before.number},
    )
    outbox.mark([stack.sync_target])
    return upgrade


def check_release_note(note: str) -> str:
    """Why there is another release, in one line; empty when nobody said. Raises Invalid (`note`)."""
    with Checks() as checks:
        note = check_text(note, field="note", maximum=LONGEST_NOTE)
    checks.finish()
    return note


def _hold(stack: Stack) -> None:
    """In the order in which rows are locked everywhere: who comes second sees what the first one began."""
    lock(stack.share.host)
    lock(stack.share)
    lock(stack)


def _begin(
    actor: Actor, blueprint: UpgradeBlueprint, verb: str, note: str, sentence: str, reason: str = ""
) -> Upgrade:
    stack, before = blueprint.stack, blueprint.stack.release
    assert before is not None  # noqa: S101 - the preview would have refused
    now, firewall, relay = timezone.now(), _firewall(stack), relay_of(stack.domain)
    # All that is touched, together: locks are taken in one order.
    touched = [stack.sync_target, stack.share.sync_target]
    touched += [each.sync_target for each in (relay, firewall) if each is not None]
    outbox.mark(touched)
    after = Release.objects.create(
        stack=stack,
        number=blueprint.wish.release,
        parts=parts_of(blueprint.following.roles, blueprint.wish),
        services=before.services,
        note=note,
        made_by=str(actor)[:300],
        made_at=now,
    )
    try:
        with transaction.atomic():
            upgrade = Upgrade.objects.create(stack=stack, before=before, after=after, began_at=now)
    except IntegrityError as error:
        raise Conflict(f"Somebody else upgrades {stack} just now.") from error
    _unikernels(actor, blueprint, relay)
    beside, in_place = changed_roles(upgrade)
    keep_phase_rows(
        upgrade.phases.all(),
        upgrade_phases(beside, in_place),
        lambda name: UpgradePhase(upgrade=upgrade, name=name),
    )
    if firewall is not None:
        require_possible(firewall)
    record(
        actor,
        verb,
        stack,
        sentence,
        domain=stack.domain,
        target=stack.sync_target,
        before={"release": before.number},
        after={
            "release": after.number,
            "beside": sorted(beside),
            "in_place": sorted(in_place),
            "images": {part["role"]: part["image"] for part in after.parts},
        },
        reason=reason,
    )
    return upgrade


def _firewall(stack: Stack) -> Firewall | None:
    rows = Firewall.objects.filter(host=stack.share.host_id)
    return rows.select_related("sync_target", "host").first()


def _is_changed(each: Placed, blueprint: UpgradeBlueprint) -> bool:
    return each.role.name in blueprint.following.changed


def _unikernels(actor: Actor, blueprint: UpgradeBlueprint, relay: Repository | None) -> None:
    """Beside the old ones, and like them but for what changes; their secrets are the same."""
    stack = blueprint.stack
    for each in blueprint.following.roles:
        role = each.role
        old = unikernel_of(stack, role.name) if role.name in blueprint.following.beside else None
        if old is None:
            continue
        row = create_unikernel(
            actor=actor,
            share=stack.share,
            name=each.label,
            running=False,
            image=blueprint.images.get(role.name, old.image),
            memory=old.memory,
            cpuid=old.cpuid,
            networks={role.device: stack.network},
            addresses={role.device: each.address},
            arguments=list(each.arguments),
            sealed={secret.name: bytes(secret.sealed_value) for secret in old.secrets.all()},
            restart_on_exit=old.restart_on_exit,
            startup=old.startup,
        )
        if relay is not None and role.name in RepositoryReader.Role.values:
            link_reader(actor=actor, repository=relay, unikernel=row, role=role.name)


final("Roll it back, or make an earlier release current.", "upgrade_stack", "make_current")
final("Upgrade it again instead.", "roll_back")
