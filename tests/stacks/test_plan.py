"""From a domain to a plan: the articles' stack comes out, in their order, and secrets stay out."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.formats.arguments import Place, References, check_references, fill_in
from tenants.formats.firewall.derive import derive
from tenants.formats.firewall.intent import Bridge
from tenants.formats.firewall.restore import Wanted
from tenants.formats.firewall.rules import Chain
from tenants.formats.firewall.saved import Owner, read_saved
from tenants.formats.networks import check_network
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.check import check_role_arguments
from tenants.formats.roles.conventional import check_conventional
from tenants.formats.roles.keys import new_seed, new_ssh_key
from tenants.formats.roles.role import Era
from tenants.formats.solo5_image import Solo5Image
from tenants.formats.stacks.placing import NEXT_HOP
from tenants.formats.stacks.plan import StackPlan, StepKind, plan_stack
from tenants.formats.text import FormatError
from tenants.formats.zones.keyfile import TsigKey, emit_keys
from tenants.formats.zones.names import Name
from tenants.formats.zones.rules.check import check_zone
from tenants.formats.zones.rules.problem import blocking
from tenants.formats.zones.zone import Soa, Zone
from tests.stacks.wishes import BRIDGE, images, wish

PLAN = plan_stack(wish())


def filled(plan: StackPlan) -> dict[str, list[str]]:
    """The arguments as unikernels get them, with fresh secrets."""
    ssh = new_ssh_key("x").argument
    found = {}
    for each in plan.roles:
        secrets = {}
        for secret in each.secrets:
            secrets[secret.name] = new_seed()
            if secret.option == "--ssh-key":
                secrets[secret.name] = ssh
            if secret.option == "--dns-key":
                key = TsigKey(plan.keys[each.role.name], "SHA256", new_seed())
                secrets[secret.name] = key.unikernel_string()
        place = Place(each.address, 24, "10.0.0.1")
        check_references(each.arguments, secrets=secrets, devices=["service"])
        words = fill_in(each.arguments, References(secrets, {"service": place}))
        found[each.role.name] = [word.decode() for word in words]
    return found


def test_the_steps_come_in_an_order_that_works() -> None:
    kinds = [step.kind for step in PLAN.steps]
    assert kinds == sorted(kinds, key=list(StepKind).index)
    started = [step.role for step in PLAN.steps if step.kind is StepKind.UNIKERNEL]
    assert len(started) == 8
    for name in started:
        assert set(ROLES[name].depends_on) <= set(started[: started.index(name)])


@pytest.mark.parametrize("era", [Era.P23, Era.P24])
def test_every_unikernel_would_take_its_filled_arguments(era: Era) -> None:
    plan = plan_stack(wish(images=images(era)))
    for name, words in filled(plan).items():
        check_role_arguments(ROLES[name], era, words, filled=True)


def test_mail_goes_from_hop_to_hop() -> None:
    given_ = {each.role.name: each.arguments for each in PLAN.roles}
    for role, following in NEXT_HOP.items():
        assert f"--destination={PLAN.addresses[following]}" in given_[role]
    assert f"--nameserver=tcp:{PLAN.addresses['resolver']}" in given_["verifier"]
    assert "--remote=git@10.0.0.1:relay.git#main" in given_["relay"]
    assert "--remote=git@10.0.0.1:zone.git#main" in given_["primary"]
    assert len(set(PLAN.addresses.values())) == 8


def test_the_zone_that_comes_of_it_may_be_published() -> None:
    plan = plan_stack(wish(dkim_key="MIIBIjAN" + "A" * 384))
    origin = Name.of("x25519.net")
    soa = Soa(Name.of("ns1.x25519.net"), Name.of("hostmaster.x25519.net"), 1)
    zone = Zone(origin, soa, [*plan.records, plan.mx])
    assert blocking(check_zone(zone)) == ()
    keys = [TsigKey(name, "SHA256", new_seed()) for name in plan.keys.values()]
    assert emit_keys(origin, keys).count(b"DNSKEY") == 4


def test_port_25_waits_for_a_decision() -> None:
    closed = plan_stack(wish(open_relay=False))
    assert 25 not in {each.port for each in closed.intent.published}
    assert closed.warnings[0].startswith("Port 25 stays closed")
    assert 25 in {each.port for each in PLAN.intent.published}
    early = next(step for step in PLAN.steps if step.kind is StepKind.FIREWALL)
    assert not any("--dport 465 " in line and "DNAT --to" in line for line in early.commands)
    assert any("--dport 53 " in line for line in early.commands)


def test_shared_roles_are_reached_where_they_are() -> None:
    other = Bridge("operators", "br9", IPv4Network("10.9.0.0/24"), IPv4Address("10.9.0.1"))
    shared = {
        "resolver": check_conventional("resolver", "10.9.0.2"),
        "primary": check_conventional("primary", "10.9.0.3"),
        "letsencrypt": check_conventional("letsencrypt", "10.9.0.6"),
    }
    plan = plan_stack(wish(images=images(without=tuple(shared)), shared=shared, other_bridges=(other,)))
    assert plan.addresses["primary"] == "10.9.0.3"
    assert len(plan.roles) == 5
    reached = {(each.target, each.protocol) for each in plan.intent.reaches}
    assert (IPv4Address("10.9.0.2"), "udp") in reached
    assert (IPv4Address("10.9.0.3"), "tcp") in reached
    assert 53 not in {each.port for each in plan.intent.published}
    assert not any(record.type == "NS" for record in plan.records)
    assert any(
        "-d 10.9.0.2/32 -i br0" in str(rule) for rule in derive(plan.intent) if rule.chain is Chain.FORWARD
    )


def test_a_conventional_receiver_and_relay_get_what_their_roles_get() -> None:
    shared = {
        "verifier": check_conventional("verifier", "10.0.0.40"),
        "relay": check_conventional("relay", "10.0.0.41"),
        "resolver": check_conventional("resolver", "10.0.0.42"),
    }
    chosen = wish(images=images(without=tuple(shared)), shared=shared, open_relay=False)
    plan = plan_stack(chosen)
    assert {(str(p.target), p.port) for p in plan.intent.published if p.port == 25} == {("10.0.0.40", 25)}
    assert [str(sender.source) for sender in plan.intent.senders] == ["10.0.0.41"]
    assert not any("Port 25" in text for text in plan.warnings)
    signer = next(each for each in plan.roles if each.role.name == "signer")
    assert "--destination=10.0.0.41" in signer.arguments
    assert derive(plan.intent)


def test_addresses_that_are_given_are_left_alone() -> None:
    plan = plan_stack(wish(taken=frozenset({"10.0.0.2", "10.0.0.5"}), release=2))
    assert not {"10.0.0.1", "10.0.0.2", "10.0.0.5"} & set(plan.addresses.values())
    assert all(each.label.endswith("-2") for each in plan.roles)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"domain": "X25519"}, "domain"),
        ({"submission_host": "smtp.example.org"}, "submission_host"),
        ({"submission_host": "x25519.net"}, "submission_host"),
        ({"selector": "S 1"}, "selector"),
        ({"release": 0}, "release"),
        ({"images": images(without=("relay",))}, "relay"),
        ({"shared": {"relay": check_conventional("relay", "10.0.0.50")}}, "relay"),
        ({"images": images(Era.P22)}, "resolver"),
        ({"network": check_network("10.0.0.0/29", first="10.0.0.2", last="10.0.0.5")}, "network"),
        ({"public": IPv4Address("10.0.0.77")}, "public"),
        ({"other_bridges": (replace(BRIDGE, name="br1"),)}, "subnet"),
        ({"images": {**images(), "web": images()["relay"]}}, "images"),
        (
            {
                "images": {
                    **images(),
                    "relay": replace(images()["relay"], image=Solo5Image("hvt", 2, "x86_64", ())),
                }
            },
            "relay",
        ),
    ],
)
def test_a_stack_that_cannot_be_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(FormatError) as refused:
        plan_stack(wish(**change))
    assert refused.value.field == field
    assert refused.value.fix


def test_every_command_is_one_that_a_shell_reads() -> None:
    for step in PLAN.steps:
        for command in step.commands:
            done = subprocess.run(
                ["sh", "-n"], input=command, text=True, capture_output=True, timeout=10, check=False
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            assert "\n" not in command


@pytest.mark.debian
def test_the_firewall_by_hand_is_the_firewall_of_the_plan() -> None:
    """Run the commands of both steps in a network namespace, and see what is there."""
    script = "set -e\n" + "\n".join(
        command
        for step in PLAN.steps
        if step.kind in {StepKind.FIREWALL, StepKind.EXPOSE}
        for command in step.commands
        if not command.startswith("sysctl")
    )
    save = "\niptables-save -t filter; iptables-save -t nat"
    done = subprocess.run(
        ["unshare", "-n", "sh"], input=script + save, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    saved = read_saved(done.stdout)
    wanted = Wanted(Owner("", 0), derive(PLAN.intent))
    assert {c: saved.chains[c] for c in saved.chains} == {c: wanted.texts(c) for c in saved.chains}
    assert set(saved.hooks.values()) == {1}
    assert len(saved.hooks) == 5


def test_keys_may_do_one_thing_on_the_git_host(tmp_path: Path) -> None:
    """The forced commands, run as sshd runs them: the words that unikernels send work, others do not."""
    public = new_ssh_key("unikernels").public
    plan = plan_stack(wish(ssh_keys={"users": public, "zones": public}))
    step = next(step for step in plan.steps if step.kind is StepKind.GIT)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def sh(command: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env={**environment, **more},
            input=b"0000",
            capture_output=True,
            timeout=20,
            check=False,
        )

    (tmp_path / ".ssh").mkdir()
    for command in step.commands:
        assert sh(command).returncode == 0
    users, zones = (tmp_path / ".ssh/authorized_keys").read_text().splitlines()
    assert users.endswith(public)
    forced = [
        line[len('restrict,command="') : line.index('" ssh-ed25519')].replace('\\"', '"')
        for line in (users, zones)
    ]
    pushed = sh(forced[0], SSH_ORIGINAL_COMMAND="git-receive-pack 'relay.git'")
    assert (pushed.returncode, pushed.stdout) == (1, b"")
    (tmp_path / "relay.git").rename(tmp_path / "elsewhere.git")
    for asked, works in (
        ("git-upload-pack 'zone.git'", True),
        ("git-receive-pack 'zone.git'", True),
        ("git-upload-pack 'relay.git'", True),  # led to its own: the other is not there
        ("id", False),
        ("sh -c git-upload-pack", False),
    ):
        done = sh(forced[1], SSH_ORIGINAL_COMMAND=asked)
        assert (done.returncode == 0 and bool(done.stdout)) is works, (asked, done)


_LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)


@given(
    st.lists(_LABELS, min_size=2, max_size=4), st.integers(1, 9999), st.sets(st.integers(2, 200), max_size=40)
)
def test_any_domain_gets_a_plan_whose_names_and_rules_hold(
    labels: list[str], release: int, taken: set[int]
) -> None:
    chosen = wish(
        domain=".".join(labels), release=release, taken=frozenset(f"10.0.0.{last}" for last in taken)
    )
    try:
        plan = plan_stack(chosen)
    except FormatError as refused:
        assert refused.field == "domain"  # noqa: PT017
        return
    assert len({each.label for each in plan.roles}) == 8
    assert not set(plan.addresses.values()) & set(chosen.taken)
