"""How an upgrade turns back: by a person, by a phase that failed, or as its stack shall not run any more."""

from __future__ import annotations

from tenants import outbox
from tenants.formats.stacks.upgrade_phases import is_final
from tenants.models import Firewall, Release, Stack, StackPhase, Upgrade
from tenants.stack_wishes import upgrade_of
from tenants.upgrade_standings import standings_of


def turn_back(upgrade: Upgrade, reason: str) -> None:
    """From now on it goes back; what failed on the way is tried anew, for it is another way."""
    # What was being taken back is never taken for something that was never written.
    state = StackPhase.State.LEAVING
    if upgrade.state == Upgrade.State.GOING:
        state = StackPhase.State.PENDING
        upgrade.state, upgrade.reason = Upgrade.State.RETURNING, reason[:1000]
    upgrade.tries += 1
    upgrade.save(update_fields=["state", "reason", "tries"])
    upgrade.phases.filter(state=StackPhase.State.FAILED).update(
        state=state, reason="", began_at=None, ended_at=None
    )


def give_up_upgrade(stack: Stack, reason: str) -> None:
    """Before a stack is halted, its upgrade goes back; one whose old half is being removed goes on to its
    end."""
    upgrade = upgrade_of(stack)
    going = upgrade is not None and upgrade.state == Upgrade.State.GOING
    if upgrade is not None and going and not is_final(standings_of(upgrade)):
        turn_back(upgrade, reason)


def lead_to(stack: Stack, release: Release) -> None:
    """Have this release get the traffic."""
    if stack.release_id != release.pk:
        stack.release = release
        stack.save(update_fields=["release"])
        mark_firewall(stack)


def mark_firewall(stack: Stack) -> None:
    row = Firewall.objects.filter(host=stack.share.host_id).select_related("sync_target").first()
    if row is not None:
        outbox.mark([row.sync_target])
