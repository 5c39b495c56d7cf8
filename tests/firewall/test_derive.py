"""Intent becomes rules; what contradicts itself is refused with both names."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.firewall.by_hand import RuleByHand, check_by_hand
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Bridge, GitAccess, Intent, Reach, SendFrom, merge
from tenants.formats.firewall.rules import LONGEST_NOTE, Chain, Rule, Target, check_rule, read_rule
from tenants.formats.text import FormatError
from tests.firewall.examples import PUBLIC, bridge, host_of, publish, two_stacks
from tests.firewall.strategies import rules


def texts(intent: Intent, chain: Chain, family: int = 4) -> list[str]:
    return [str(rule) for rule in derive(intent, family) if rule.chain is chain]


def test_the_relay_s_address_comes_before_masquerading_and_names_no_interface() -> None:
    snat = texts(two_stacks(), Chain.SNAT)
    relay = next(i for i, text in enumerate(snat) if "-s 10.0.0.5/32 -p tcp -m tcp --dport 25" in text)
    masquerade = next(i for i, text in enumerate(snat) if "MASQUERADE" in text)
    assert relay < masquerade
    assert "--to-source 192.0.2.1" in snat[relay]
    assert not any(" -o " in text for text in snat)


def test_nothing_comes_into_a_bridge_but_what_is_named() -> None:
    forward = texts(two_stacks(), Chain.FORWARD)
    drops = [i for i, text in enumerate(forward) if text.startswith("-o br") and "DROP" in text]
    assert len(drops) == 2
    for text in forward[: min(drops)]:
        assert (
            "ESTABLISHED" in text
            or "-i br0 -o br0" in text
            or "-i br1 -o br1" in text
            or "/32" in text
            or "icmp" in text
        )
    assert not any("-o br" in text for text in forward[max(drops) + 1 :])


def test_where_not_everybody_speaks_to_the_internet_only_the_named_do() -> None:
    forward = texts(two_stacks(), Chain.FORWARD)
    assert forward[-1].startswith("-i br1 ")
    assert forward[-1].endswith("-j DROP")
    assert any(text.startswith("-s 10.0.1.5/32 -i br1 -p tcp -m tcp --dport 25") for text in forward)


def test_rules_by_hand_come_first() -> None:
    assert texts(two_stacks(), Chain.INPUT)[0].startswith("-s 203.0.113.0/24")


def test_ipv6_keeps_bridges_apart_and_publishes_nothing() -> None:
    assert texts(two_stacks(), Chain.DNAT, 6) == []
    assert any("-o br0" in text and "DROP" in text for text in texts(two_stacks(), Chain.FORWARD, 6))
    assert "-p ipv6-icmp -j REJECT --reject-with icmp6-port-unreachable" in texts(
        two_stacks(), Chain.FORWARD, 6
    )


def test_a_host_without_bridges_gets_no_rules() -> None:
    assert derive(Intent()) == ()


def test_long_names_fit_into_notes() -> None:
    long = replace(bridge(0), owner=".".join(["a" * 60] * 4))
    assert all(len(rule.note) <= LONGEST_NOTE for rule in derive(Intent(bridges=(long,))))


def test_names_of_any_script_fit_into_notes() -> None:
    named = replace(bridge(0), owner='Gesellschaft für "Analyse" 分析')
    assert all(check_rule(rule) for rule in derive(Intent(bridges=(named,))))


def test_stacks_of_one_bridge_bring_it_once() -> None:
    one, other = Intent(bridges=(bridge(0),), git=TWO.git[:1]), replace(TWO, git=TWO.git[1:])
    together = merge([one, other, one])
    assert together.bridges == TWO.bridges
    assert derive(together)
    assert merge([TWO]) == TWO
    assert merge([]) == Intent()


TWO = two_stacks()


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"bridges": (*TWO.bridges, bridge(0))}, "bridge", "both have br0"),
        (
            {
                "bridges": (
                    *TWO.bridges,
                    Bridge("three.example", "br9", IPv4Network("10.0.0.0/16"), IPv4Address("10.0.9.1")),
                )
            },
            "subnet",
            "overlaps",
        ),
        ({"bridges": (replace(bridge(0), gateway=IPv4Address("10.9.0.1")),)}, "gateway", "not in"),
        ({"published": (publish(0, 25, 9), publish(0, 25, 10))}, "public", "both want tcp/25"),
        (
            {"published": (publish(0, 25, 9), replace(publish(1, 465, 7), public=PUBLIC["one.example"]))},
            "public",
            "one domain",
        ),
        ({"published": (replace(publish(0, 25, 9), public=host_of(1, 4)),)}, "public", "private"),
        ({"published": (replace(publish(0, 25, 9), target=IPv4Address("10.7.0.9")),)}, "target", "none of"),
        ({"published": (replace(publish(0, 25, 9), target=host_of(0, 1)),)}, "target", "none of"),
        (
            {"senders": (*TWO.senders, SendFrom("two.example", host_of(1, 6), PUBLIC["one.example"]))},
            "public",
            "both use 192.0.2.1",
        ),
        (
            {"senders": (*TWO.senders, SendFrom("one.example", host_of(0, 5), IPv4Address("192.0.2.9")))},
            "source",
            "Choose one",
        ),
        ({"git": (GitAccess("one.example", "git", IPv4Address("10.7.0.5")),)}, "source", "none of"),
        ({"reaches": (Reach("x", "resolver", "br7", host_of(0, 2), "udp", 53),)}, "bridge", "br7"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(FormatError) as refused:
        derive(replace(TWO, **change))
    assert refused.value.field == field
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        (RuleByHand("nat"), "kind"),
        (RuleByHand("dnat", protocol="tcp", port=25, to_address="10.0.0.9"), "destination"),
        (RuleByHand("dnat", destination="192.0.2.1", to_address="10.0.0.9"), "port"),
        (RuleByHand("dnat", destination="192.0.2.1", protocol="tcp", port=25), "to_address"),
        (
            RuleByHand("dnat", destination="192.0.2.1", protocol="tcp", port=25, to_address="fe80::1%eth0"),
            "to_address",
        ),
        (
            RuleByHand("dnat", destination="192.0.2.1", protocol="tcp", port=25, to_address="::1"),
            "to_address",
        ),
        (
            RuleByHand(
                "dnat", destination="192.0.2.1", protocol="tcp", port=25, to_address="10.0.0.9", to_port=70000
            ),
            "to_port",
        ),
        (RuleByHand("snat", to_address="192.0.2.1"), "source"),
        (RuleByHand("snat", source="10.0.0.5", to_address="192.0.2.1", to_port=5), "to_port"),
        (RuleByHand("masquerade"), "source"),
        (RuleByHand("masquerade", source="10.0.0.0/24", to_address="192.0.2.1"), "to_address"),
        (RuleByHand("masquerade", source="10.0.0.0/24", from_interface="br0"), "from_interface"),
        (RuleByHand("forward", verdict="maybe"), "verdict"),
        (RuleByHand("snat", verdict="drop"), "verdict"),
        (RuleByHand("input", verdict="drop"), "source"),
        (RuleByHand("input", source="0.0.0.0/0", verdict="reject"), "source"),
        (RuleByHand("input", source="10.0.0.5/8", verdict="accept"), "source"),
        (RuleByHand("input", source="x" * 5000, verdict="accept"), "source"),
        (RuleByHand("input", port=25, verdict="accept"), "port"),
        (RuleByHand("input", protocol="sctp", verdict="accept"), "protocol"),
        (RuleByHand("input", from_interface="br0; reboot", verdict="accept"), "from_interface"),
        (RuleByHand("input", to_interface="br0", verdict="accept"), "to_interface"),
        (RuleByHand("forward", verdict="accept", note='a" -j ACCEPT'), "note"),
        (RuleByHand("forward", verdict="accept", note="a\nCOMMIT"), "note"),
    ],
)
def test_rules_by_hand_that_cannot_be(given_: RuleByHand, field: str) -> None:
    with pytest.raises(FormatError) as refused:
        check_by_hand(given_)
    assert refused.value.field == field


@given(rules())
def test_a_rule_reads_back(rule: Rule) -> None:
    again = read_rule(rule.chain, str(rule))
    assert again is not None
    assert str(again) == str(rule)


@given(rules(), st.text(max_size=60))
def test_what_is_no_rule_of_ours_reads_as_none(rule: Rule, junk: str) -> None:
    text = f"{rule} {junk}"
    found = read_rule(rule.chain, text)
    assert found is None or str(found) == text


def test_an_unknown_target_is_not_taken_into_a_chain() -> None:
    with pytest.raises(FormatError):
        check_rule(Rule(Chain.FORWARD, Target.DNAT, to="10.0.0.1"))
    with pytest.raises(FormatError, match="nothing at all"):
        check_rule(Rule(Chain.FORWARD, Target.NOTHING))


def forwarded(
    source: str = "", destination: str = "192.0.2.1", port: int = 8443, to: str = "10.0.0.20"
) -> Rule:
    return check_by_hand(
        RuleByHand(
            "dnat", source=source, destination=destination, protocol="tcp", port=port, to_address=to, note=to
        )
    )


@pytest.mark.parametrize(
    ("earlier", "later", "allowed"),
    [
        (forwarded(), forwarded(to="10.0.0.21"), False),
        (forwarded(), forwarded("203.0.113.0/24"), False),
        (forwarded("203.0.113.0/24"), forwarded(), True),
        (forwarded("203.0.113.0/24"), forwarded("198.51.100.0/24"), True),
        (forwarded("203.0.113.0/24", "192.0.2.0/24"), forwarded(), False),
        (forwarded(destination="192.0.2.0/24"), forwarded(), False),
        (forwarded(), forwarded(destination="192.0.2.0/24"), True),
        (forwarded(), forwarded(port=8444), True),
        (forwarded(port=25), publish(0, 25, 9), False),
        (forwarded("203.0.113.7", port=25), publish(0, 25, 9), True),
    ],
)
def test_forwarded_ports_that_meet_are_refused_unless_the_earlier_is_narrower(
    earlier: Rule, later: Any, allowed: bool
) -> None:
    by_hand = (earlier, later) if isinstance(later, Rule) else (earlier,)
    published = () if isinstance(later, Rule) else (later,)
    intent = Intent(bridges=TWO.bridges, published=published, by_hand=by_hand)
    if allowed:
        derive(intent)
        return
    with pytest.raises(FormatError) as refused:
        derive(intent)
    assert refused.value.field == "port"
    assert "both take tcp/" in str(refused.value)
