"""The firewall of a host: operators write its rules, workers put them there."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from tenants import access, outbox
from tenants.actions.audit import record
from tenants.actions.locking import lock
from tenants.actions.reversals import final
from tenants.actor import Actor
from tenants.desired_firewall import FAMILIES, intent_of
from tenants.errors import Checks, Conflict, Invalid
from tenants.formats.firewall.by_hand import RuleByHand, check_by_hand
from tenants.formats.firewall.derive import derive
from tenants.formats.text import FormatError
from tenants.models import Firewall, FirewallRule, Host, Stack, SyncTarget
from tenants.stack_wishes import stacks_on

MOST_BY_HAND = 1000


class Given(TypedDict, total=False):
    """See tenants.formats.firewall.by_hand.RuleByHand."""

    source: str
    destination: str
    protocol: str
    port: int
    to_address: str
    to_port: int
    from_interface: str
    to_interface: str
    verdict: str
    note: str


@transaction.atomic
def manage_firewall(*, actor: Actor, host: Host) -> Firewall:
    """Let Rookery keep rules of its own in a host's firewall. Nothing is written before there is a rule."""
    access.require(actor, access.Verb.VIEW, host)
    access.require_create(actor, access.Kind.FIREWALL, host.organization)
    if host.transport != Host.Transport.SSH:
        raise Conflict(
            f"Rookery reaches {host} without SSH, and so cannot get at its firewall."
            " Connect the host by SSH for that."
        )
    lock(host)
    firewall = Firewall.objects.filter(host=host).first()
    if firewall is not None and firewall.enabled:
        return firewall
    if firewall is None:
        firewall = Firewall.objects.create(host=host)
        SyncTarget.objects.create(
            kind=SyncTarget.Kind.FIREWALL,
            organization=host.organization,
            firewall=firewall,
            marked_at=timezone.now(),
        )
    else:
        firewall.enabled = True
        firewall.save(update_fields=["enabled"])
    target = firewall.sync_target
    outbox.mark([target])
    record(
        actor,
        "manage_firewall",
        host,
        f"Rookery keeps rules of its own in {firewall} from now on.",
        organization=host.organization,
        target=target,
        before={"enabled": False},
        after={"enabled": True},
    )
    return firewall


@transaction.atomic
def release_firewall(*, actor: Actor, firewall: Firewall) -> Firewall:
    """Take all of Rookery's rules off the host. They are kept here, for the next time."""
    access.require(actor, access.Verb.DELETE, firewall)
    lock(firewall)
    if not firewall.enabled:
        return firewall
    without = {Stack.Firewall.CLOSED, Stack.Firewall.OTHERS}
    served = [str(row) for row in stacks_on(firewall.host) if row.firewall not in without]
    if served:
        raise Conflict(f"{', '.join(served[:5])} would be cut off from the Internet. Remove that first.")
    firewall.enabled = False
    firewall.save(update_fields=["enabled"])
    _mark_and_record(
        actor,
        "release_firewall",
        firewall,
        f"Rookery takes its rules out of {firewall}.",
        {"enabled": True},
        {"enabled": False},
    )
    return firewall


@transaction.atomic
def change_firewall(*, actor: Actor, firewall: Firewall, isolates: bool) -> Firewall:
    """Whether the networks of this host are kept apart from each other and from the host."""
    access.require(actor, access.Verb.CHANGE, firewall)
    lock(firewall.host)
    lock(firewall)
    before = firewall.isolates
    if before == isolates:
        return firewall
    firewall.isolates = isolates
    firewall.save(update_fields=["isolates"])
    require_possible(firewall)
    how = "are kept apart" if isolates else "are not kept apart any more"
    _mark_and_record(
        actor,
        "change_firewall",
        firewall,
        f"The networks of {firewall.host} {how}.",
        {"isolates": before},
        {"isolates": isolates},
    )
    return firewall


@transaction.atomic
def add_firewall_rule(
    *, actor: Actor, firewall: Firewall, kind: str, position: int | None = None, **given: Unpack[Given]
) -> FirewallRule:
    """Add a rule, at the end or at a position. Raises Invalid for one that contradicts another."""
    access.require(actor, access.Verb.CHANGE, firewall)
    values = _checked(kind, given)
    lock(firewall)
    others = list(firewall.rules.all())
    if len(others) >= MOST_BY_HAND:
        raise Conflict(f"There are {MOST_BY_HAND} rules by hand already. Remove some first.")
    row = FirewallRule(firewall=firewall, position=len(others) + 1, **values)
    row.save(force_insert=True)
    _put_in_order(others, row, position)
    require_possible(firewall)
    _mark_and_record(
        actor,
        "add_firewall_rule",
        firewall,
        f"A rule was added to {firewall}: {_told(row)}.",
        {},
        {"position": row.position, **_plain(values)},
    )
    return row


@transaction.atomic
def change_firewall_rule(
    *, actor: Actor, rule: FirewallRule, kind: str, position: int | None = None, **given: Unpack[Given]
) -> FirewallRule:
    """Replace what a rule says; with a position, also move it."""
    firewall = rule.firewall
    access.require(actor, access.Verb.CHANGE, firewall)
    values = _checked(kind, given)
    lock(firewall)
    lock(rule)
    before = {"position": rule.position, **_plain(asdict(rule.as_given))}
    for name, value in values.items():
        setattr(rule, name, value)
    rule.save(update_fields=list(values))
    if position is not None:
        _put_in_order(list(firewall.rules.exclude(pk=rule.pk)), rule, position)
    after = {"position": rule.position, **_plain(values)}
    if after == before:
        return rule
    require_possible(firewall)
    _mark_and_record(
        actor,
        "change_firewall_rule",
        firewall,
        f"A rule of {firewall} was changed: {_told(rule)}.",
        before,
        after,
    )
    return rule


@transaction.atomic
def remove_firewall_rule(*, actor: Actor, rule: FirewallRule) -> None:
    """Take a rule away; it ends on the host with the next pass."""
    firewall = rule.firewall
    access.require(actor, access.Verb.CHANGE, firewall)
    lock(firewall)
    lock(rule)
    before = {"position": rule.position, **_plain(asdict(rule.as_given))}
    told = _told(rule)
    rule.delete()
    _put_in_order(list(firewall.rules.all()), None, None)
    require_possible(firewall)
    _mark_and_record(
        actor,
        "remove_firewall_rule",
        firewall,
        f"A rule was taken out of {firewall}: {told}.",
        before,
        {},
    )


def require_possible(firewall: Firewall) -> None:
    """Raise Invalid when its rules contradict each other, or the networks of the host do."""
    with Checks() as checks:
        intent = intent_of(firewall)
        for family in FAMILIES:
            derive(intent, family)
    checks.finish()


def keep_apart(host: Host) -> list[SyncTarget]:
    """After the networks of a host changed: the targets that this touches. Raises Invalid, see above."""
    firewall = Firewall.objects.filter(host=host, isolates=True).select_related("sync_target").first()
    if firewall is None:
        return []
    require_possible(firewall)
    return [firewall.sync_target]


def _checked(kind: str, given: Given) -> dict[str, Any]:
    """The fields of a rule as they are kept: networks and addresses in one way of writing."""
    rule = RuleByHand(kind, **given)
    with Checks() as checks:
        for field in ("port", "to_port"):
            value = getattr(rule, field)
            if not 0 <= value < 65536:
                raise FormatError(field, f"{value} is no port.", "Use 1 to 65535, or nothing.")
        checked = check_by_hand(rule)
    checks.finish()
    return asdict(rule) | {
        "source": _shown(checked.source),
        "destination": _shown(checked.destination),
        "to_address": rule.to_address.strip(),
    }


def _shown(network: object) -> str:
    text = str(network) if network is not None else ""
    return text.removesuffix("/32") if "." in text else text.removesuffix("/128")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _put_in_order(others: list[FirewallRule], row: FirewallRule | None, position: int | None) -> None:
    if row is not None:
        if position is not None and not 1 <= position <= len(others) + 1:
            raise Invalid.of("position", f"There is no place {position}.", f"Choose 1 to {len(others) + 1}.")
        others.insert(len(others) if position is None else position - 1, row)
    moved = [(each, place) for place, each in enumerate(others, start=1) if each.position != place]
    for each, place in moved:
        each.position = place
    FirewallRule.objects.bulk_update([each for each, _ in moved], ["position"])


def _told(row: FirewallRule) -> str:
    return str(check_by_hand(row.as_given))[:200]


def _mark_and_record(
    actor: Actor, verb: str, firewall: Firewall, sentence: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    target = firewall.sync_target
    outbox.mark([target])
    record(
        actor,
        verb,
        firewall,
        sentence,
        organization=firewall.host.organization,
        target=target,
        before=before,
        after=after,
    )


final("Take Rookery's rules off the host instead.", "manage_firewall")
final("Let Rookery keep the firewall again instead: the rules are still here.", "release_firewall")
final("Choose the other way again: what the host's networks need by now must fit.", "change_firewall")
final("Remove the rule instead.", "add_firewall_rule")
final("Change the rule again: others may depend on it by now.", "change_firewall_rule")
final("Add the rule again: what it said is in the history.", "remove_firewall_rule")
