"""Rows → what a host's chains should hold: the only shape of it that workers see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from tenants.formats.firewall.by_hand import check_by_hand
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Bridge, Intent
from tenants.formats.firewall.restore import Wanted
from tenants.formats.firewall.rules import Rule
from tenants.formats.firewall.saved import Owner
from tenants.formats.unikernels import ROOT_PATH
from tenants.models import Firewall, FirewallRule, Installation, SyncTarget

FAMILIES = (4, 6)


@dataclass(frozen=True)
class DesiredFirewall:
    """By address family. A family without rules has no chains of ours on the host."""

    wanted: Mapping[int, Wanted]


def desired_firewall(target: SyncTarget) -> DesiredFirewall:
    """Raises FormatError for rules that contradict each other."""
    firewall = target.firewall
    assert firewall is not None  # noqa: S101 - of every target of this kind
    owner = Owner(Installation.current_id(), target.generation)
    intent = intent_of(firewall) if firewall.enabled else Intent()
    return DesiredFirewall({family: Wanted(owner, derive(intent, family), family) for family in FAMILIES})


def intent_of(firewall: Firewall) -> Intent:
    """What this host's firewall is for. Raises FormatError with the field of a rule that is wrong."""
    return Intent(
        bridges=bridges_of(firewall) if firewall.isolates else (),
        by_hand=tuple(check_by_hand(row.as_given) for row in firewall.rules.all()),
    )


def bridges_of(firewall: Firewall) -> tuple[Bridge, ...]:
    """Named by the path of those who have them: that is what the host shows of tenants anyway."""
    rows = firewall.host.networks.select_related("share").order_by("bridge")
    return tuple(
        Bridge(row.share.path or ROOT_PATH, row.bridge, IPv4Network(row.subnet), IPv4Address(row.gateway))
        for row in rows
    )


def rule_of(row: FirewallRule) -> Rule:
    """As it stands in the chain."""
    return check_by_hand(row.as_given)
