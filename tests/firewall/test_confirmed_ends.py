"""The guard against taking away most rules at once: those of a stack whose end was confirmed do not count."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tenants.formats.firewall.by_hand import RuleByHand, check_by_hand
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.helper import Family
from tenants.formats.firewall.intent import Intent
from tenants.formats.firewall.restore import Wanted, restore_text
from tenants.formats.firewall.saved import NOTHING, Owner, read_saved
from tests.firewall.examples import two_stacks
from workers.firewall.decide import Base, Decision, decide
from workers.plan import Plan
from workers.targets.firewall_statements import FirewallLimits

BY_HAND = tuple(
    check_by_hand(RuleByHand("input", source=f"203.0.113.{number}", verdict="drop")) for number in range(40)
)
BOTH = replace(two_stacks(), reaches=(), by_hand=())
FIRST, SECOND = (
    replace(
        BOTH,
        bridges=tuple(each for each in BOTH.bridges if each.name == name),
        published=tuple(each for each in BOTH.published if each.owner == owner),
        senders=tuple(each for each in BOTH.senders if each.owner == owner),
        outward=tuple(each for each in BOTH.outward if each.owner == owner),
        git=tuple(each for each in BOTH.git if each.owner == owner),
    )
    for owner, name in (("one.example", "br0"), ("two.example", "br1"))
)


def wanted(intent: Intent) -> Wanted:
    return Wanted(Owner("a1b2", 7), derive(intent, 4))


def change(before: Intent, after: Intent, leaving: Intent) -> Decision:
    """From what is there exactly as it was wanted before."""
    text = restore_text(wanted(before), NOTHING)
    saved = read_saved(re.sub(r"^-I (\w+) 1 ", r"-A \1 ", text, flags=re.MULTILINE))
    there = Family(saved, "iptables-nft", 0, 0, "", pending=False)
    return decide(wanted(after), there, Base(), repair=True, leaving=wanted(leaving))


def objections(decision: Decision) -> list[str]:
    return list(FirewallLimits().objections(Plan(decision.changes, ())))


@pytest.mark.parametrize(("after", "leaving"), [(SECOND, FIRST), (FIRST, SECOND), (Intent(), BOTH)])
def test_the_rules_of_a_confirmed_end_go_without_another_question(after: Intent, leaving: Intent) -> None:
    assert objections(change(BOTH, after, leaving)) == []


def test_the_same_without_anybody_who_confirmed_it_needs_a_person() -> None:
    assert "It would take away" in objections(change(BOTH, Intent(), Intent()))[0]


def test_a_confirmed_end_takes_no_other_rules_along() -> None:
    before = replace(BOTH, by_hand=BY_HAND)
    assert objections(change(before, replace(SECOND, by_hand=BY_HAND), FIRST)) == []
    (said,) = objections(change(before, SECOND, FIRST))
    assert said.startswith("It would take away 40 of ")


def test_what_another_still_needs_is_counted_as_kept() -> None:
    """The end of one stack confirms nothing about rules that the other has, too."""
    decision = change(BOTH, BOTH, FIRST)
    assert decision.changes == ()
    for each in change(BOTH, SECOND, BOTH).changes:
        before, after = each.rules
        assert before <= after, each.unit
    (said,) = objections(change(replace(BOTH, by_hand=BY_HAND), BOTH, BOTH))
    assert "take away 40" in said


def test_an_end_that_is_confirmed_changes_no_rule_by_itself() -> None:
    with_it, without = (change(BOTH, SECOND, leaving) for leaving in (FIRST, Intent()))
    assert with_it.text == without.text
    assert [each.after_id for each in with_it.changes] == [each.after_id for each in without.changes]
