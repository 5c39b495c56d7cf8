"""Rows → what a host's chains should hold: the only shape of it that workers see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tenants.formats.firewall.by_hand import check_by_hand
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Bridge, Intent, merge
from tenants.formats.firewall.restore import Wanted
from tenants.formats.firewall.rules import Rule
from tenants.formats.firewall.saved import Owner
from tenants.models import Firewall, FirewallRule, Installation, Stack, SyncTarget
from tenants.one_moment import one_moment
from tenants.stack_wishes import bridge_of, full_intent, stack_intent, stacks_on

FAMILIES = (4, 6)


@dataclass(frozen=True)
class DesiredFirewall:
    """By address family. A family without rules has no chains of ours on the host.

    `leaving` are rules that stacks had before somebody confirmed their end.
    """

    wanted: Mapping[int, Wanted]
    leaving: Mapping[int, Wanted] = field(default_factory=dict)


def desired_firewall(target: SyncTarget) -> DesiredFirewall:
    """Raises FormatError for rules that contradict each other."""
    firewall = target.firewall
    assert firewall is not None  # noqa: S101 - of every target of this kind
    # Before: an installation is written down when it is asked for the first time.
    owner = Owner(Installation.current_id(), target.generation)
    with one_moment():
        intent = intent_of(firewall) if firewall.enabled else Intent()
        leaving = merge(
            full_intent(stack, stack.release)
            for stack in stacks_on(firewall.host)
            if stack.wanted != Stack.Wanted.RUNNING and stack.release is not None
        )
    return DesiredFirewall(
        *(
            {family: Wanted(owner, derive(each, family), family) for family in FAMILIES}
            for each in (intent, leaving)
        )
    )


def intent_of(firewall: Firewall) -> Intent:
    """What this host's firewall is for: rules by hand, and what its stacks need; the network of a stack is
    always kept apart. Raises FormatError with the field of a rule that is wrong."""
    apart = Intent(bridges=bridges_of(firewall) if firewall.isolates else ())
    needed = merge([apart, *(stack_intent(stack) for stack in stacks_on(firewall.host))])
    return replace(needed, by_hand=tuple(check_by_hand(row.as_given) for row in firewall.rules.all()))


def bridges_of(firewall: Firewall) -> tuple[Bridge, ...]:
    """Of all networks of the host."""
    rows = firewall.host.networks.select_related("share").order_by("bridge")
    return tuple(bridge_of(row) for row in rows)


def rule_of(row: FirewallRule) -> Rule:
    """As it stands in the chain."""
    return check_by_hand(row.as_given)
