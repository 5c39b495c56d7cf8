"""The firewall of the sandbox's host, as an ordinary user: the real helper around a stand-in for iptables."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import firewalls, hosts
from tenants.actions.sync import change_drift_mode
from tenants.actor import Actor
from tenants.formats.sshkeys import fingerprint
from tenants.models import Firewall, Host, Organization, SyncTarget
from tenants.secrets import Opener
from tests.hosting import FORWARDED
from workers import ssh
from workers.controller import Controller, Ending
from workers.sandbox.firewall import helper_of, make_firewall
from workers.sandbox.git_host import GitHost
from workers.targets.firewall import HostFirewall

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[GitHost]:
    make_firewall(tmp_path)
    with GitHost(tmp_path / "repositories", "127.0.0.1", shell=True) as running:  # noqa: S604 - as the sandbox's
        yield running


@pytest.fixture
def host(machine: GitHost, olga: Actor, organization: Organization) -> Host:
    reached: dict[str, Any] = {"transport": "ssh", "host": machine.host, "port": machine.port}
    made = hosts.add_host(actor=olga, organization=organization, name="rock", username="rookery", **reached)
    Host.objects.update(offered_host_key=machine.public_key)
    made.refresh_from_db()
    hosts.pin_host_key(actor=olga, host=made, fingerprint_seen=fingerprint(machine.public_key))
    machine.authorize(made.public_key)
    return made


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    pool = ssh.ConnectionPool()
    command = shlex.quote(str(helper_of(tmp_path)))
    kind = HostFirewall(opener=Opener(), pool=pool, command=command, confirm_within=30)
    yield Controller(kinds={SyncTarget.Kind.FIREWALL: kind})
    pool.close()


def test_rules_live_through(
    host: Host, controller: Controller, olga: Actor, alice: Actor, tmp_path: Path
) -> None:
    firewall = firewalls.manage_firewall(actor=olga, host=host)
    rule = firewalls.add_firewall_rule(actor=olga, firewall=firewall, **FORWARDED)
    store = tmp_path / "firewall" / "iptables.json"

    def target() -> SyncTarget:
        return SyncTarget.objects.get(firewall=firewall)

    assert controller.reconcile(target().pk) is Ending.AGREED, target().runs.latest("pk").advice
    nat = json.loads(store.read_text())["nat"]
    assert "--to-destination 10.0.0.9:25" in nat["ROOKERY-DNAT"][0]
    assert nat["POSTROUTING"] == ["-j ROOKERY-SNAT", "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"]
    seen = Firewall.objects.get().seen
    assert seen["reboot"].startswith("kept, but")
    assert seen["families"]["4"]["chains"]["ROOKERY-DNAT"][0][1:] == [0, 0]
    before = store.read_bytes()
    SyncTarget.objects.update(next_check_at="2000-01-01T00:00:00Z")
    assert controller.reconcile(target().pk) is Ending.AGREED
    assert store.read_bytes() == before

    # Somebody else adds a rule: told, left; then repaired.
    nat["ROOKERY-DNAT"].append("-p udp -j ACCEPT")
    tables = json.loads(store.read_text()) | {"nat": nat}
    store.write_text(json.dumps(tables))
    firewalls.change_firewall_rule(actor=olga, rule=rule, **{**FORWARDED, "to_address": "10.0.0.10"})
    assert controller.reconcile(target().pk) is Ending.AGREED
    assert target().conditions.get(type="Conflicted").status
    assert json.loads(store.read_text())["nat"]["ROOKERY-DNAT"][1:] == ["-p udp -j ACCEPT"]
    change_drift_mode(actor=olga, target=target(), mode="repair")
    assert controller.reconcile(target().pk) is Ending.AGREED, target().runs.latest("pk").advice
    [left] = json.loads(store.read_text())["nat"]["ROOKERY-DNAT"]
    assert "10.0.0.10:25" in left

    # Taken off: nothing of ours is left, and the host can be removed.
    firewalls.release_firewall(actor=olga, firewall=Firewall.objects.get())
    with pytest.raises(Exception, match="may still be in"):
        hosts.remove_host(actor=olga, host=host)
    assert controller.reconcile(target().pk) is Ending.AGREED, target().runs.latest("pk").advice
    assert "ROOKERY" not in store.read_text()
    hosts.remove_host(actor=olga, host=host)


def test_a_worker_that_died_before_it_confirmed_is_undone_and_starts_again(
    host: Host, controller: Controller, olga: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firewall = firewalls.manage_firewall(actor=olga, host=host)
    firewalls.add_firewall_rule(actor=olga, firewall=firewall, **FORWARDED)
    target = SyncTarget.objects.get(firewall=firewall)
    kind = controller.kinds[SyncTarget.Kind.FIREWALL]
    monkeypatch.setattr(kind, "_seconds", 1)

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("workers.firewall.client.FirewallClient._confirm", die)
        with pytest.raises(SystemExit):
            controller.reconcile(target.pk)
    store = tmp_path / "firewall" / "iptables.json"
    assert "ROOKERY-DNAT" in store.read_text()
    SyncTarget.objects.update(lease_owner="", lease_until="2000-01-01T00:00:00Z")
    assert controller.reconcile(target.pk) is Ending.RETRY  # what waits is undone first
    monkeypatch.setattr(kind, "_seconds", 30)
    for _ in range(100):
        SyncTarget.objects.update(next_try_at="2000-01-01T00:00:00Z")
        if controller.reconcile(target.pk) is Ending.AGREED:
            break
    target.refresh_from_db()
    assert target.in_agreement
    assert "10.0.0.9:25" in store.read_text()
