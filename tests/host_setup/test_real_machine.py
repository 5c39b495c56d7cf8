"""The rendered scripts, run by a real shell with the real ip, sysctl, useradd, git and gpg, in namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from tenants.formats.firewall.helper import helper_text, read_report, sudoers_text
from tenants.formats.host_setup import (
    FACTS_SCRIPT,
    Bridge,
    Facts,
    GitRepository,
    Plan,
    Wanted,
    checks_script,
    plan,
    read_checks,
    read_facts,
    script,
    step_script,
)
from tests.host_setup.world import KEY, Machine

pytestmark = pytest.mark.debian
WANTED = Wanted(
    account="rookery-test",
    key=KEY,
    bridges=(
        Bridge("service", IPv4Network("10.0.0.0/24"), IPv4Address("10.0.0.1")),
        Bridge("br-1", IPv4Network("10.0.1.0/24"), IPv4Address("10.0.1.1")),
    ),
    git_account="git-test",
    repositories=(GitRepository("relay.git", "main", KEY), GitRepository("zones/zone.git", "trunk", KEY)),
)


@pytest.fixture(params=[False, True], ids=["ifupdown", "networkd"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, networkd=request.param)
    yield made
    made.close()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def facts_of(machine: Machine) -> Facts:
    return read_facts(machine.run(FACTS_SCRIPT, SSH_CONNECTION="192.0.2.9 1234 192.0.2.1 22"))


def left(machine: Machine, whole: Plan) -> Plan:
    wrong = read_checks(machine.run(checks_script(whole.steps)), whole.steps)
    return whole.without({each.key for each in whole.steps if each.key not in wrong})


def test_a_bare_machine_is_prepared_once_and_a_second_time_nothing_changes(machine: Machine) -> None:
    wanted = replace(WANTED, key_fingerprint=machine.make_signing_key())
    before = machine.snapshot()
    facts = facts_of(machine)
    assert (facts.os, facts.way, facts.uid) == ("debian-12", frozenset({"uplink"}), 0)
    whole = plan(facts, wanted)
    todo = left(machine, whole)
    assert {each.key for each in whole.steps} - {each.key for each in todo.steps} == set()
    assert len(whole.steps) == 16
    assert machine.snapshot() == before  # looking changes nothing

    said = machine.run(script(whole.steps, "For a test."))
    assert said.count(": done") == 15  # the tender came with albatross
    assert said.endswith("All of it is so.\n")
    assert left(machine, plan(facts_of(machine), wanted)).steps == ()
    assert facts_of(machine).tenders == {"solo5-hvt.2"}
    prepared = machine.snapshot()
    again = machine.run(script(plan(facts_of(machine), wanted).steps, "For a test."))
    assert again.count(": already") == 16
    assert machine.snapshot() == prepared

    # What is there is what was meant, seen without our own checks.
    assert machine.run("sysctl -n net.ipv4.ip_forward") == "1\n"
    assert "10.0.1.1/24" in machine.run("ip -o -4 addr show br-1")
    assert "192.0.2.1/24" in machine.run("ip -o -4 addr show uplink")
    assert "albatross" in machine.run("id -nG rookery-test")
    assert machine.run("cat ~rookery-test/.ssh/authorized_keys").strip() == KEY
    assert machine.run("stat -c '%a %U' ~rookery-test/.ssh ~rookery-test/.ssh/authorized_keys").split() == [
        "700", "rookery-test", "600", "rookery-test",
    ]  # fmt: skip
    assert machine.run("cat ~git-test/zones/zone.git/HEAD") == "ref: refs/heads/trunk\n"
    assert "sys-subsystem-net-devices-br\\x2d1.device" in machine.run(
        "cat /etc/systemd/system/albatross_daemon.service.d/rookery-bridges.conf"
    )
    assert machine.run("stat -c %a /etc/sudoers.d/rookery-firewall") == "440\n"
    assert machine.run("rookery-firewall save").startswith("rookery-firewall 1\n")
    started = [each for each in machine.calls() if each.startswith("systemctl start")]
    assert started == [f"systemctl start albatross_{name}.service" for name in ("console", "stats", "daemon")]
    assert not [each for each in machine.calls() if "restart" in each or "upgrade -" in each]


def test_the_tenders_that_albatross_would_find_are_told(plain: Machine) -> None:
    """Its own folder comes first; a number in the name must be the one that the program says."""
    said = {
        "/var/lib/albatross/solo5-hvt": "ABI version 1",
        "/usr/bin/solo5-hvt": "ABI version 2",
        "/usr/bin/solo5-hvt.3": "ABI version 3",
        "/usr/local/bin/solo5-hvt.4": "ABI version 5",
        "/usr/bin/solo5-spt": "no version",
        "/usr/bin/solo5-spt.2": "ABI version 2",
        "/usr/bin/solo5-spt.9": "ABI version 9; reboot",
    }
    lines = ["mkdir -p /var/lib/albatross"]
    for path, words in said.items():
        lines.append(f'printf \'#!/bin/sh\\necho "Solo5 v0.9"; echo "{words}"\\n\' >{path}; chmod 755 {path}')
    plain.run("\n".join(lines))
    assert facts_of(plain).tenders == {"solo5-hvt.1", "solo5-hvt.3", "solo5-spt.2"}


def test_a_host_that_breaks_off_in_the_middle_goes_on_where_it_was(plain: Machine) -> None:
    wanted = replace(WANTED, key_fingerprint=plain.make_signing_key())
    whole = plan(facts_of(plain), wanted)
    (plain.state / "broken").touch()
    said = plain.run(script(whole.steps, "For a test."), check=False)
    assert "Unable to fetch" in said
    assert said.endswith("Stopped at: 1. Packages of Debian that the rest needs\n")
    (plain.state / "broken").unlink()
    for each in whole.steps[:7]:
        plain.run(step_script(each))
    assert len(left(plain, whole).steps) == 9
    # A reboot: what lives only in the kernel is gone, and the step knows.
    plain.run("ip link delete service")
    assert "bridge service" in {each.key for each in left(plain, whole).steps}
    assert plain.run(script(whole.steps, "For a test.")).count(": already") == 6
    assert left(plain, whole).steps == ()


def test_the_helper_of_the_firewall_installs_itself(plain: Machine) -> None:
    put = "install -m 755 /dev/stdin /usr/local/sbin/rookery-firewall"
    plain.run(f"{put} <<'EOF'\n{helper_text()}EOF\n")
    assert "Install the package sudo first" in plain.run("rookery-firewall install alice", check=False)
    assert "Name the account" in plain.run("rookery-firewall install 'alice bob'", check=False)
    plain.run("rookery-firewall install root")
    assert plain.run("ls /etc/sudoers.d 2>&1", check=False)
    plain.run("mkdir /etc/sudoers.d")
    for _ in range(2):
        plain.run("rookery-firewall install alice")
    assert plain.run("cat /etc/sudoers.d/rookery-firewall") == sudoers_text("alice")
    assert "ExecStart=/usr/local/sbin/rookery-firewall boot" in plain.run(
        "cat /etc/systemd/system/rookery-firewall.service"
    )
    assert plain.calls().count("systemctl enable rookery-firewall.service") == 3
    assert read_report(plain.run("rookery-firewall save")).boot
    assert plain.run("rookery-firewall boot") == ""


def test_a_key_that_is_not_the_compared_one_is_not_believed(plain: Machine) -> None:
    plain.make_signing_key()
    whole = plan(facts_of(plain), replace(WANTED, key_fingerprint="A" * 40))
    [source] = [each for each in whole.steps if each.key == "source"]
    plain.run(step_script(source), check=False)
    assert plain.run("ls /usr/share/keyrings /etc/apt/sources.list.d | grep -c rookery || true") == "0\n"


def test_what_others_set_up_is_looked_at_and_left_alone(plain: Machine) -> None:
    plain.run("printf 'auto service\\niface service inet static\\n' >>/etc/network/interfaces")
    whole = plan(facts_of(plain), WANTED)
    todo = left(plain, whole)
    assert "bridge service" not in {each.key for each in todo.steps}
    assert any("not Rookery's" in each for each in todo.problems)
    plain.run("ip link add service type bridge; ip addr add 10.0.0.1/24 dev service; ip link set service up")
    assert left(plain, whole).problems == whole.problems
