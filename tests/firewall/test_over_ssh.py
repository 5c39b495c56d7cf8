"""The firewall of a host as desired state: a real sshd, the helper, real iptables, and the way cut by us."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import firewalls, hosts, networks
from tenants.actions.sync import change_drift_mode, check_now
from tenants.actor import Actor
from tenants.desired_firewall import desired_firewall
from tenants.formats.firewall.restore import is_there
from tenants.formats.firewall.rules import Chain
from tenants.formats.sshkeys import fingerprint
from tenants.models import Firewall, Host, Organization, SyncTarget
from tenants.secrets import Opener
from tests.contract.zone_world import cut
from tests.firewall.conftest import Namespace
from tests.firewall.reached import ADDRESS, WORKER, ReachedHost
from tests.hosting import share_of
from workers.controller import Controller, Ending
from workers.firewall.client import FirewallClient, helper_command
from workers.targets.firewall import HostFirewall

pytestmark = [pytest.mark.debian, pytest.mark.django_db(transaction=True), pytest.mark.one_database]
SMTP: dict[str, Any] = {
    "kind": "dnat",
    "destination": ADDRESS,
    "protocol": "tcp",
    "port": 25,
    "to_address": "10.0.0.9",
}
DOCKER = ("-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "!", "-o", "docker0", "-j", "MASQUERADE")


@dataclass
class World:
    actor: Actor
    there: ReachedHost
    host: Host
    firewall: Firewall
    controller: Controller

    @property
    def target(self) -> SyncTarget:
        return SyncTarget.objects.get(firewall=self.firewall)

    def reconcile(self) -> Ending:
        return self.controller.reconcile(self.target.pk)

    def advice(self) -> str:
        return self.target.runs.latest("pk").advice

    def add(self, **given: Any) -> Any:
        return firewalls.add_firewall_rule(actor=self.actor, firewall=self.firewall, **given)

    def dnat(self) -> tuple[str, ...]:
        return self.there.iptables.saved().chains.get(Chain.DNAT, ())


@pytest.fixture(params=["nft", "legacy"])
def world(
    request: Any,
    new_namespace: Callable[[], Namespace],
    tmp_path: Path,
    olga: Actor,
    organization: Organization,
) -> Iterator[World]:
    host = hosts.add_host(
        actor=olga,
        organization=organization,
        name="rock",
        transport="ssh",
        host=ADDRESS,
        username="root",
        path="acme",
    )
    there = ReachedHost(new_namespace, tmp_path, request.param, host.public_key)
    # Rules of others say which back-end is used.
    there.iptables(*DOCKER)
    there.namespace.run(f"ip6tables-{request.param}", "-A", "INPUT", "-s", "fe80::/10", "-j", "ACCEPT")
    firewall = firewalls.manage_firewall(actor=olga, host=host)
    kind = HostFirewall(
        opener=Opener(), pool=there.pool, command=helper_command(str(there.helper)), confirm_within=3
    )
    made = World(olga, there, host, firewall, Controller(kinds={SyncTarget.Kind.FIREWALL: kind}))
    assert made.reconcile() is Ending.STOPPED
    assert made.target.stop_code == "host-key-unknown"
    hosts.pin_host_key(actor=olga, host=host, fingerprint_seen=fingerprint(there.key))
    firewall.refresh_from_db()
    yield made
    there.close()


def test_rules_are_written_proved_kept_and_taken_off_again(world: World) -> None:
    foreign = "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert "ROOKERY" not in world.there.iptables.save()

    rule = world.add(**SMTP, note="mail")
    networks.add_network(
        actor=world.actor,
        share=share_of(world.host, world.host.organization),
        bridge="br0",
        subnet="10.0.0.0/24",
    )
    world.firewall = firewalls.change_firewall(actor=world.actor, firewall=world.firewall, isolates=True)
    assert world.reconcile() is Ending.AGREED, world.advice()
    saved = world.there.iptables.saved()
    assert any("10.0.0.9:25" in text for text in saved.chains[Chain.DNAT])
    assert "-o br0 -m comment" in " ".join(saved.chains[Chain.FORWARD])
    run = world.target.runs.latest("pk")
    evidence = dict(run.evidence.values_list("name", "value"))
    assert evidence["IPv4 SHA-256"] == saved.fingerprint
    assert any("iptables" in line and "10.0.0.9:25" in line for line in run.plan["commands"])
    assert foreign in world.there.iptables.save()

    world.there.reboot()
    assert world.there.iptables.saved().fingerprint == saved.fingerprint

    firewalls.remove_firewall_rule(actor=world.actor, rule=rule)
    world.firewall = firewalls.release_firewall(actor=world.actor, firewall=world.firewall)
    world.there.iptables(*DOCKER)
    ending = world.reconcile()
    if ending is Ending.STOPPED:  # more than half of the rules go at once: a person agrees
        run = world.target.runs.latest("pk")
        SyncTarget.objects.filter(pk=world.target.pk).update(agreed_to=[run.agree_to])
        check_now(actor=world.actor, target=world.target)
        ending = world.reconcile()
    assert ending is Ending.AGREED, world.advice()
    assert "ROOKERY" not in world.there.iptables.save()
    assert foreign in world.there.iptables.save()
    assert not list((world.there.folder / "kept").glob("rules.*"))
    hosts.remove_host(actor=world.actor, host=world.host)


def test_a_rule_that_cuts_our_own_way_is_undone(world: World) -> None:
    world.add(**SMTP)
    assert world.reconcile() is Ending.AGREED, world.advice()
    before = world.there.iptables.saved()
    cut = world.add(kind="input", source=WORKER, verdict="drop", note="cut")
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "cut-off"
    assert "would cut Rookery's own way" in world.advice()
    deadline = time.monotonic() + 5
    while not world.there.answers():
        assert time.monotonic() < deadline
    assert world.there.iptables.saved().fingerprint == before.fingerprint
    # It is not tried again by itself, and the way stays open.
    SyncTarget.objects.update(next_check_at="2000-01-01T00:00:00Z")
    assert world.reconcile() is Ending.STOPPED
    assert "it was not tried again" in world.advice()
    assert world.there.answers()
    # A rule before it lets the worker in.
    world.add(kind="input", source=WORKER, protocol="tcp", port=22, verdict="accept", position=1)
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert world.there.answers()
    assert cut.position == 2


def test_what_others_change_is_told_and_left_or_repaired(world: World) -> None:
    world.add(**SMTP)
    assert world.reconcile() is Ending.AGREED, world.advice()
    world.there.iptables("-t", "nat", "-I", "ROOKERY-DNAT", "-p", "udp", "-j", "ACCEPT")
    world.there.iptables("-N", "ROOKERY-OLD")
    SyncTarget.objects.update(next_check_at="2000-01-01T00:00:00Z")
    assert world.reconcile() is Ending.AGREED, world.advice()
    drifted = world.target.conditions.get(type="Drifted")
    assert drifted.status
    assert "IPv4 ROOKERY-DNAT" in drifted.message
    assert "-p udp -j ACCEPT" in drifted.details["units"][0]["outside"]
    foreign = world.target.conditions.get(type="ForeignEntries")
    assert (foreign.status, foreign.reason) == (True, "our-prefix")
    assert "ROOKERY-OLD" in foreign.message
    assert "-p udp -j ACCEPT" in world.dnat()
    change_drift_mode(actor=world.actor, target=world.target, mode="repair")
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert "-p udp -j ACCEPT" not in world.dnat()
    assert ":ROOKERY-OLD" in world.there.iptables.save()
    assert not world.target.conditions.get(type="Drifted").status


def test_what_was_written_unseen_stays_ours_when_the_next_try_writes_nothing(world: World) -> None:
    world.add(**SMTP)
    assert world.reconcile() is Ending.AGREED, world.advice()
    for port, arrives in ((26, True), (27, False)):
        world.add(**SMTP | {"port": port})
        with pytest.MonkeyPatch.context() as patch:
            cut(patch, FirewallClient, "change", after=arrives)
            assert world.reconcile() is Ending.BUG
        assert len(world.dnat()) == 2
    SyncTarget.objects.update(next_try_at="2000-01-01T00:00:00Z")
    assert world.reconcile() is Ending.AGREED, world.advice()
    assert len(world.dnat()) == 3, world.target.conditions.get(type="Conflicted").message


def test_chains_of_another_rookery_and_strange_answers_stop_it(world: World) -> None:
    world.add(**SMTP)
    world.there.iptables("-t", "nat", "-N", "ROOKERY-DNAT")
    world.there.iptables("-t", "nat", "-A", "ROOKERY-DNAT", "-p", "tcp", "-j", "ACCEPT")
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "firewall-of-another"
    world.there.iptables("-t", "nat", "-F", "ROOKERY-DNAT")
    world.there.helper.rename(world.there.helper.with_suffix(".away"))
    check_now(actor=world.actor, target=world.target)
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "no-helper"
    assert "rookery-firewall install root" in world.advice()
    world.there.helper.write_text("#!/bin/sh\necho something else\n")
    world.there.helper.chmod(0o755)
    check_now(actor=world.actor, target=world.target)
    assert world.reconcile() is Ending.STOPPED
    assert "another version" in world.advice()


def test_the_helper_takes_nothing_but_our_own_lines(world: World) -> None:
    world.add(**SMTP)
    assert world.reconcile() is Ending.AGREED, world.advice()
    helper, saved = world.there.run_helper, world.there.iptables.saved()
    good = "*filter\n:ROOKERY-INPUT - [0:0]\n-A ROOKERY-INPUT -p icmp -j DROP\nCOMMIT\n"
    for bad in (
        "*filter\n:INPUT DROP [0:0]\nCOMMIT\n",
        "*filter\n-A INPUT -j DROP\nCOMMIT\n",
        "*filter\n:ROOKERY-INPUT - [0:0]\n-A ROOKERY-INPUT -j DOCKER\nCOMMIT\n",
        "*filter\n-F\nCOMMIT\n",
        "*mangle\nCOMMIT\n",
        "*filter\n-I INPUT 1 -j DROP\nCOMMIT\n",
    ):
        done = helper("apply", "4", saved.fingerprint, "3", "a" * 32, given=bad)
        assert (done.returncode, done.stderr[:7]) == (3, "Refused"), bad
    assert helper("apply", "4", "0" * 64, "3", "a" * 32, given=good).returncode == 7
    assert helper("apply", "4", saved.fingerprint, "300", "a" * 32, given=good).returncode == 2
    assert helper("apply", "4", saved.fingerprint, "3", "../../x", given=good).returncode == 2
    assert helper("confirm", "4", "b" * 32).returncode == 6
    assert world.there.iptables.saved().fingerprint == saved.fingerprint
    assert helper("apply", "4", saved.fingerprint, "1", "a" * 32, given=good).returncode == 0
    assert helper("apply", "4", saved.fingerprint, "1", "c" * 32, given=good).returncode == 5
    deadline = time.monotonic() + 4
    while world.there.iptables.saved().fingerprint != saved.fingerprint:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert helper("confirm", "4", "a" * 32).returncode == 6


def test_an_operator_s_rules_are_all_there(world: World) -> None:
    """Every kind, IPv6 too."""
    world.add(**SMTP, source="203.0.113.0/24", to_port=2525)
    world.add(kind="snat", source="10.0.0.5", to_address=ADDRESS, protocol="tcp", port=25)
    world.add(kind="masquerade", source="10.0.0.0/24", to_interface="uplink")
    world.add(kind="forward", protocol="ipv6-icmp", verdict="reject")
    world.add(kind="input", source="2001:db8::/32", verdict="drop")
    assert world.reconcile() is Ending.AGREED, world.advice()
    wanted = desired_firewall(world.target).wanted
    assert is_there(wanted[4], world.there.iptables.saved())
    world.there.iptables.program = world.there.iptables.program.replace("iptables", "ip6tables")
    assert "-A ROOKERY-INPUT -s 2001:db8::/32 -j DROP" in world.there.iptables.save()
