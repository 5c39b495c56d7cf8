"""What we write, a real iptables takes, prints unchanged, and gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.formats.firewall import restore
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.guard import check_restore_text
from tenants.formats.firewall.restore import Wanted, removal_text, restore_text
from tenants.formats.firewall.rules import LONGEST_NOTE, Chain, Rule, Target
from tenants.formats.firewall.saved import Owner, fingerprint, hash_command
from tests.firewall.examples import two_stacks
from tests.firewall.strategies import rules

if TYPE_CHECKING:
    from tests.firewall.conftest import Iptables, Namespace

pytestmark = pytest.mark.debian
OURS = Owner("a1b2", 7)


def wanted(**changes: Any) -> Wanted:
    return replace(Wanted(OURS, derive(two_stacks())), **changes)


def apply(host: Iptables, want: Wanted) -> str:
    text = restore_text(want, host.saved())
    if text:
        check_restore_text(text)
        host.restore(text)
    return text


def test_what_is_applied_is_there_and_applying_twice_does_nothing(iptables: Iptables) -> None:
    assert apply(iptables, wanted())
    saved = iptables.saved()
    assert restore.is_there(wanted(), saved)
    assert restore.diff(wanted(), saved) == ()
    assert saved.owner == OURS
    assert saved.strays == ()
    assert apply(iptables, wanted()) == ""
    assert apply(iptables, wanted(owner=Owner("a1b2", 8))) == ""


def test_a_change_replaces_whole_chains(iptables: Iptables) -> None:
    apply(iptables, wanted())
    changed = wanted(rules=derive(two_stacks(receiver=10)), owner=Owner("a1b2", 8))
    lines = restore.diff(changed, iptables.saved())
    assert {line[:1] for line in lines} >= {"-", "+"}
    assert apply(iptables, changed)
    assert restore.is_there(changed, iptables.saved())
    assert "10.0.0.9:25" not in iptables.save()


def test_foreign_rules_keep_their_bytes(iptables: Iptables) -> None:
    iptables("-t", "nat", "-N", "DOCKER")
    iptables("-t", "nat", "-A", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "DOCKER")
    iptables(
        "-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "!", "-o", "docker0", "-j", "MASQUERADE"
    )
    iptables("-P", "FORWARD", "DROP")
    iptables("-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT")

    def foreign() -> list[str]:
        lines = iptables.save().splitlines()
        return [line for line in lines if "ROOKERY-" not in line and not line.startswith("#")]

    before = [line.rsplit(" [", 1)[0] for line in foreign()]
    apply(iptables, wanted())
    assert [line.rsplit(" [", 1)[0] for line in foreign()] == before
    iptables.restore(removal_text(iptables.saved()))
    assert [line.rsplit(" [", 1)[0] for line in foreign()] == before
    assert "ROOKERY" not in iptables.save()


def test_a_jump_that_is_missing_double_or_late_is_put_right(iptables: Iptables) -> None:
    apply(iptables, wanted())
    iptables("-t", "nat", "-D", "POSTROUTING", "-j", "ROOKERY-SNAT")
    iptables("-t", "nat", "-A", "POSTROUTING", "-s", "10.0.0.0/8", "-j", "MASQUERADE")
    iptables("-t", "nat", "-A", "POSTROUTING", "-j", "ROOKERY-SNAT")
    iptables("-I", "FORWARD", "-j", "ROOKERY-FORWARD")
    iptables("-D", "INPUT", "-j", "ROOKERY-INPUT")
    saved = iptables.saved()
    assert (Chain.SNAT, "POSTROUTING") in saved.late
    assert restore.diff(wanted(), saved)
    assert apply(iptables, wanted())
    nat = iptables.save()
    assert nat.index("-A POSTROUTING -j ROOKERY-SNAT") < nat.index("-A POSTROUTING -s 10.0.0.0/8")
    assert nat.count("-j ROOKERY-FORWARD") == nat.count("-j ROOKERY-INPUT") == 1
    assert restore.is_there(wanted(), iptables.saved())


def test_an_edit_by_hand_is_seen_and_undone(iptables: Iptables) -> None:
    apply(iptables, wanted())
    clean = iptables.saved().fingerprint
    iptables(
        "-t",
        "nat",
        "-I",
        "ROOKERY-DNAT",
        "-p",
        "udp",
        "--dport",
        "99",
        "-m",
        "ttl",
        "--ttl-lt",
        "5",
        "-j",
        "ACCEPT",
    )
    saved = iptables.saved()
    assert saved.fingerprint != clean
    assert any("--ttl-lt 5" in line for line in restore.diff(wanted(), saved))
    apply(iptables, wanted())
    assert restore.is_there(wanted(), iptables.saved())


def test_a_chain_that_only_looks_like_ours_is_a_stray(iptables: Iptables) -> None:
    apply(iptables, wanted())
    iptables("-N", "ROOKERY-OLD")
    iptables("-A", "OUTPUT", "-j", "ROOKERY-OLD")
    iptables("-A", "OUTPUT", "-j", "ROOKERY-INPUT")
    assert len(iptables.saved().strays) == 3


def test_the_host_s_own_hash_is_ours(iptables: Iptables, tmp_path: Path) -> None:
    apply(iptables, wanted())
    printed = iptables.namespace.run("sh", "-c", hash_command(f"{iptables.program}-save")).stdout
    assert printed.split()[0] == fingerprint(iptables.save()) != fingerprint("")


def test_the_commands_by_hand_do_the_same(iptables: Iptables) -> None:
    lines = restore.commands(wanted(), iptables.saved(), program=iptables.program)
    iptables.namespace.run("sh", "-e", given="\n".join(lines))
    assert restore.is_there(wanted(), iptables.saved())


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(st.lists(rules(), max_size=10, unique=True))
def test_single_rules_by_hand_are_there_once_however_often(iptables: Iptables, drawn: list[Rule]) -> None:
    iptables.restore(removal_text(iptables.saved()))
    lines = [line for each in drawn for line in restore.rule_commands(each, program=iptables.program)]
    for _ in range(2):
        iptables.namespace.run("sh", "-e", given="\n".join(lines))
    saved = iptables.saved()
    for chain in restore.USED:
        assert saved.chains.get(chain, ()) == Wanted(OURS, tuple(drawn)).texts(chain)
    assert all(count == 1 for count in saved.hooks.values())


def test_rules_for_both_families_are_said_as_each_takes_them(new_namespace: Callable[[], Namespace]) -> None:
    from tests.firewall.conftest import Iptables

    host = Iptables(new_namespace(), "nft", 6)
    rejecting = (Rule(Chain.INPUT, Target.REJECT, protocol="tcp", port=8080),)
    host.namespace.run("sh", "-e", given="\n".join(restore.first_commands(rejecting, program=host.program)))
    assert host.saved().chains[Chain.INPUT] == Wanted(OURS, rejecting, 6).texts(Chain.INPUT)


def test_counters_are_read(iptables: Iptables) -> None:
    apply(iptables, wanted())
    counters = iptables.saved().counters
    assert {chain: len(each) for chain, each in counters.items()} == {
        chain: len(each) for chain, each in iptables.saved().chains.items()
    }


@pytest.mark.parametrize("back_end", ["nft", "legacy"])
def test_ipv6(new_namespace: Callable[[], Namespace], back_end: str) -> None:
    from tests.firewall.conftest import Iptables

    host = Iptables(new_namespace(), back_end, 6)
    want = wanted(rules=derive(two_stacks(), 6), family=6)
    assert apply(host, want)
    assert restore.is_there(want, host.saved())


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(st.lists(rules(), max_size=60))
def test_any_rule_of_ours_reads_back_the_same(iptables: Iptables, drawn: list[Rule]) -> None:
    want = wanted(rules=tuple(drawn))
    apply(iptables, want)
    assert restore.is_there(want, iptables.saved())
    assert all(len(rule.note) <= LONGEST_NOTE for rule in drawn)


def test_a_thousand_rules_are_one_transaction(iptables: Iptables) -> None:
    from tests.firewall.strategies import many

    want = wanted(rules=many(1000))
    apply(iptables, want)
    assert len(iptables.saved().chains[Chain.DNAT]) == 1000
