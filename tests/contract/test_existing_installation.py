"""An installation that somebody made by hand, as the articles say: looked at without a byte changed,
explained, taken over unit by unit, and a mail stack in the end, which changes nothing either.

And the loss of the whole panel after that: a new one takes over what the lost one kept, the same way.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import (
    adoption,
    domains,
    firewalls,
    organizations,
    public_addresses,
    repositories,
    stack_adoption,
    stacks,
    surveys,
    sync,
    zone_proofs,
    zone_repositories,
)
from tenants.actions.adoption_blueprints import preview_adoption
from tenants.actor import Actor
from tenants.formats.arguments import Place, References, fill_in
from tenants.formats.git_access import restricted_line
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.keys import ssh_public_line
from tenants.formats.sshkeys import fingerprint
from tenants.formats.stacks.plan import StackPlan, plan_stack
from tenants.models import (
    Domain,
    Firewall,
    Host,
    Installation,
    Organization,
    PublicAddress,
    Repository,
    RepositoryReader,
    Run,
    SigningKey,
    Stack,
    Survey,
    SyncTarget,
    Unikernel,
    Zone,
)
from tenants.surveys import lines_of_others, picture_of, seen_of
from tests.conftest import account, join, make_address
from tests.contract.host_world import own_images
from tests.contract.lost_panel import lose_everything, users_here
from tests.contract.test_stack import PUBLIC, Outside, Site, add_rock, kinds_of, outside
from tests.hosting import share_of
from tests.sandbox.stack_world import DOMAIN, secrets_of, until, zone_files
from tests.sandbox.world import UserRepository, entry, git
from tests.stacks.wishes import wish
from workers.albatross import Name
from workers.albatross.values import NetworkDevice, Settings, UnikernelConfig
from workers.controller import Controller, Ending
from workers.sandbox.firewall import helper_of, rules_of
from workers.sandbox.iptables_program import first_tables
from workers.sandbox.stack.images import ROLE_IMAGES
from workers.sandbox.stack.realm import real_port

__all__ = ["outside"]
# On one database: nearly all of its time are the keys and starts of eight servers.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300), pytest.mark.one_database]
LABELS = {"primary": "primary-git"}
BY_HAND: dict[str, Any] = {
    "kind": "dnat",
    "destination": PUBLIC,
    "protocol": "tcp",
    "port": 993,
    "to_address": "10.0.0.99",
    "note": "letters",
}
JUMP = "-m addrtype --dst-type LOCAL -j SMTP"


class ByHand:
    """What somebody typed: the secrets are his."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.plan: StackPlan = plan_stack(wish(domain=DOMAIN))
        self.secrets = secrets_of(self.plan)
        home = outside.folder / "home"
        self.users = UserRepository(home / "relay.git")
        self.users.commit({"john": entry("jane@ext.test"), "paul": entry("paul@elsewhere.example")})
        self.zones = UserRepository(home / "zone.git")
        files = zone_files(self.plan, self.secrets)
        self.zones.commit(files)
        for role, path, writes in (("primary", "zone.git", True), ("relay", "relay.git", False)):
            public = ssh_public_line(self.secrets[role]["ssh-key"])
            outside.git.authorize(restricted_line(public, path, writes=writes))
        tables = first_tables("iptables")
        tables["nat"] |= {
            "PREROUTING": [JUMP],
            "POSTROUTING": [*tables["nat"]["POSTROUTING"], "-s 10.0.0.0/24 -j MASQUERADE"],
            "SMTP": [
                self._dnat("submission", "tcp", 465),
                self._dnat("verifier", "tcp", 25),
                self._dnat("primary", "tcp", 53),
                self._dnat("primary", "udp", 53),
            ],
        }
        rules_of(outside.folder).write_text(json.dumps(tables))
        for each in self.plan.roles:
            self._start(each.role.name)

    def _dnat(self, role: str, protocol: str, port: int) -> str:
        at = self.plan.addresses[role]
        to = f"-j DNAT --to-destination {at}:{port}"
        return f"! -s {at}/32 -p {protocol} -m {protocol} --dport {port} {to}"

    def _start(self, role: str) -> None:
        placed = next(each for each in self.plan.roles if each.role.name == role)
        known = References(self.secrets[role], {"service": Place(placed.address, 24, "10.0.0.1")})
        settings = Settings(
            memory=ROLES[role].memory,
            networks=(NetworkDevice("service", "br0"),),
            arguments=fill_in(placed.arguments, known),
            restart_on_exit=frozenset(),
        )
        name = Name(("acme",), LABELS.get(role, role))
        self.outside.client.create(name, UnikernelConfig(settings, ROLE_IMAGES[ROLES[role].image][2]))

    def settled(self) -> bool:
        """All certificates and the DKIM key are in the zone."""
        shown = self.zones.path.joinpath("refs/heads/main")
        text = _git_show(self.zones.path, f"main:{DOMAIN}") if shown.exists() else ""
        return text.count("TLSA\t3\t0\t0") == 2 and "s1._domainkey" in text

    def everything(self) -> dict[str, str]:
        """Every byte outside: repositories, what runs since when and how, policies, rules."""
        home = self.outside.folder / "home"
        files = [path for path in sorted(home.rglob("*.git/**/*")) if path.is_file()]
        found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        for one in self.outside.client.unikernels():
            found[str(one.name)] = f"{one.digest.hex()} {one.settings} {one.started}"
        found["policies"] = str([each for each in self.outside.client.policies() if each.name.path])
        found["rules"] = rules_of(self.outside.folder).read_text()
        return found


def _git_show(path: Path, what: str) -> str:
    return git(path, "show", what)


@pytest.fixture
def domain(alice: Actor, organization: Organization) -> Domain:
    return domains.create_domain(actor=alice, organization=organization, name=DOMAIN)


@pytest.fixture
def by_hand(outside: Outside) -> ByHand:
    made = ByHand(outside)
    until(made.settled, lambda: _git_show(made.zones.path, f"main:{DOMAIN}"))
    return made


@pytest.fixture
def site(
    outside: Outside, by_hand: ByHand, olga: Actor, alice: Actor, domain: Domain, settings: Any
) -> Iterator[Site]:
    own_images(settings, outside.folder)
    with kinds_of(outside) as kinds:
        made = Site(outside, alice, domain, None, None)  # type: ignore[arg-type]
        made.controller = Controller(kinds=kinds, clock=made.clock)
        _connect(outside, olga, alice, domain)
        yield made


def _connect(outside: Outside, olga: Actor, alice: Actor, domain: Domain) -> None:
    git, organization = outside.git, domain.organization
    at: dict[str, Any] = {"host": git.host, "port": git.port}
    repositories.connect_repository(actor=alice, domain=domain, path="relay.git", **at)
    zone_repositories.connect_zone_repository(
        actor=alice,
        organization=organization,
        path="zone.git",
        address=outside.realm.here(_primary()),
        primary_port=real_port(53),
        **at,
    )
    Repository.objects.update(offered_host_key=git.public_key)
    for each in Repository.objects.all():
        git.authorize(each.public_key)
        repositories.confirm_host_key(
            actor=alice, repository=each, fingerprint_seen=fingerprint(git.public_key)
        )
    add_rock(outside, olga, organization)


def _primary() -> str:
    return plan_stack(wish(domain=DOMAIN)).addresses["primary"]


def test_it_is_explained_then_taken_over_and_never_touched_nor_after_the_panel_is_lost(
    site: Site, by_hand: ByHand, olga: Actor, alice: Actor, settings: Any
) -> None:
    domain, share = site.domain, share_of(Host.objects.get(), site.domain.organization)
    before = by_hand.everything()
    public = public_addresses.add_public_address(actor=olga, share=share, address=PUBLIC)
    survey = surveys.look_at_installation(actor=olga, domain=domain, share=share)
    for _ in range(2):
        site.round()
    assert set(survey.looks.values_list("place", flat=True)) == {"host", "rules", "users", "zone"}
    assert by_hand.everything() == before
    _is_explained(by_hand, survey, alice)
    _units_are_taken_over(site)
    assert by_hand.everything() == before
    stack = _is_declared(site, public)
    _only_a_key_is_new(before, by_hand.everything())
    read = str(SyncTarget.objects.get(kind="relay_repository").proof["commit"])
    linked = RepositoryReader.objects.values_list("role", "wanted_commit", "read_commit")
    assert set(linked) == {("relay", read, read), ("submission", read, read)}, "nothing restarts for it"
    _rules_follow(site, by_hand, stack, survey, olga)
    _the_panel_is_lost(site, by_hand, olga, settings)


def _units_are_taken_over(site: Site) -> None:
    """Users, unikernels, zone."""
    for kind in ("relay_repository", "albatross_host", "zone_repository"):
        target = SyncTarget.objects.get(kind=kind)
        adoption.decide_findings(actor=site.owner, target=target, decision="adopt")
        site.round()
    for _ in range(2):
        site.round()  # three images are read from the host in a pass
    assert Unikernel.objects.filter(running=True).count() == 8, site.endings[-10:]


def _is_declared(site: Site, public: PublicAddress) -> Stack:
    domain = site.domain
    zone = Zone.objects.get(domain=domain)
    zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="text")
    plan = preview_adoption(actor=site.owner, domain=domain, public=public)
    assert not plan.lacking, plan.lacking
    assert (plan.submission_host, plan.selector, plan.git_address) == (f"smtp.{DOMAIN}", "s1", "10.0.0.1")
    stack = stack_adoption.adopt_stack(actor=site.owner, domain=domain, public=public, plan=plan.digest)
    assert site.go(stack, 10) is Ending.AGREED, site.told(stack)
    site.round()
    return stack


def _only_a_key_is_new(before: dict[str, str], now: dict[str, str]) -> None:
    """Its zone is Rookery's to keep now: a key of ours is put beside the others, and nothing else."""
    changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
    assert all("/zone.git/" in name for name in changed), changed


def _is_explained(by_hand: ByHand, survey: Survey, alice: Actor) -> None:
    picture = picture_of(alice, survey)
    found = {each.guess.role: each for each in picture.parts}
    assert found.keys() == ROLES.keys()
    assert {each.guess.certainty.value for each in picture.parts} == {"certain"}
    assert picture.missing == ()
    assert picture.public == PUBLIC
    assert not [each for each in picture.notices if each.weight.value == "contradictory"]
    assert not [each for each in picture.led if not each.counts]
    assert "172.17" not in str(picture.led), "an owner sees no rules about others"
    shown = json.dumps([look.seen for look in survey.looks.all()])
    for role in by_hand.secrets.values():
        for secret in role.values():
            assert secret.rpartition(":")[2] not in shown


def _rules_follow(site: Site, by_hand: ByHand, stack: Stack, survey: Survey, olga: Actor) -> None:
    """Ours beside theirs, then the lines that take theirs out; about port 25 somebody decides first."""
    stack_adoption.take_over_rules(actor=site.owner, stack=stack)
    assert site.go(stack, 10) is Ending.AGREED, site.told(stack)
    assert len(_nat(by_hand)["ROOKERY-DNAT"]) == 3
    assert len(_nat(by_hand)["SMTP"]) == 4, "theirs are still there"
    _take_out(by_hand, lines_of_others(seen_of(olga, survey), picture_of(olga, survey), stack))
    assert [rule.rpartition(":")[2] for rule in _nat(by_hand)["SMTP"]] == ["25"]
    stacks.decide_open_relay(actor=site.owner, stack=stack, open_relay=True, reason="as before")
    assert site.go(stack, 10) is Ending.AGREED, site.told(stack)
    assert len(_nat(by_hand)["ROOKERY-DNAT"]) == 4
    _take_out(by_hand, lines_of_others(seen_of(olga, survey), picture_of(olga, survey), stack))
    assert "SMTP" not in _nat(by_hand)
    assert [rule[:16] for rule in _nat(by_hand)["POSTROUTING"]][-1] == "-s 172.17.0.0/16"
    assert SigningKey.objects.get(domain=site.domain).selector == "s1"


def _nat(by_hand: ByHand) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(rules_of(by_hand.outside.folder).read_text())["nat"]
    return found


def _take_out(by_hand: ByHand, lines: tuple[str, ...]) -> None:
    program = helper_of(by_hand.outside.folder).parent / "programs" / "iptables"
    assert lines
    for line in lines:
        subprocess.run([program, *shlex.split(line)[1:]], check=True, timeout=20)


# Loss of the whole panel ----------------------------------------------------------------------------------


def _the_panel_is_lost(site: Site, by_hand: ByHand, olga: Actor, settings: Any) -> None:
    """Without a backup. Its last work is everywhere: a commit of users, keys in the zone, rules. A new panel
    wants the same after it took over, and writes nothing but its own key."""
    make_address(site.owner, site.domain, "nell", "nell@elsewhere.example")
    firewalls.add_firewall_rule(actor=olga, firewall=Firewall.objects.get(), **BY_HAND)
    for _ in range(3):
        site.late += timedelta(hours=1)
        site.round()
    assert "nell" in _git_show(by_hand.users.path, "main:")
    before, users = by_hand.everything(), users_here()
    lost = lose_everything(site.outside, settings)

    with kinds_of(site.outside) as kinds:
        olga, alice = Actor(account=account("olga", is_staff=True)), Actor(account=account("alice"))
        ours = organizations.create_organization(actor=Actor.rookery(), name="Analytical Society")
        assert alice.account is not None
        join(ours, alice.account, "owner")
        domain = domains.create_domain(actor=alice, organization=ours, name=DOMAIN)
        new = Site(site.outside, alice, domain, None, Controller(kinds=kinds))  # type: ignore[arg-type]
        _connect(site.outside, olga, alice, domain)
        share = share_of(Host.objects.get(), ours)
        public = public_addresses.add_public_address(actor=olga, share=share, address=PUBLIC)
        surveys.look_at_installation(actor=olga, domain=domain, share=share)
        new.round()
        # Each place has the lost one's mark: a person says that it is lost.
        asked = {run.target.kind: run for run in Run.objects.exclude(agree_to="").select_related("target")}
        assert {kind: run.outcome for kind, run in asked.items()} == {
            "relay_repository": "foreign-installation",
            "zone_repository": "foreign-installation",
            "firewall": "firewall-of-another",
        }
        for run in asked.values():
            sync.approve_plan(actor=olga, run=run, checksum=run.agree_to)
        new.round()
        assert by_hand.everything() == before
        _units_are_taken_over(new)
        assert by_hand.everything() == before
        stack = _is_declared(new, public)
        stack_adoption.take_over_rules(actor=alice, stack=stack)
        assert new.go(stack, 10) is Ending.AGREED, new.told(stack)
        assert users_here() == users
        _only_a_key_is_new(before, by_hand.everything())
        stacks.decide_open_relay(actor=alice, stack=stack, open_relay=True, reason="as before")
        _the_firewall_is_its_own(new, by_hand, olga, lost)


def _the_firewall_is_its_own(new: Site, by_hand: ByHand, olga: Actor, lost: str) -> None:
    """A rule by hand is shown, left, and wanted as soon as somebody writes it here. One that writes again is
    not lost. The first change of ours bears our name."""
    target = SyncTarget.objects.get(kind="firewall")
    before, apart = by_hand.everything(), target.conditions.filter(type="Conflicted", status=True)
    assert "letters" in str(apart.get().details)
    rule = firewalls.add_firewall_rule(actor=olga, firewall=Firewall.objects.get(), **BY_HAND)
    new.round()
    assert not apart.exists()
    assert by_hand.everything() == before

    rules = rules_of(by_hand.outside.folder)
    [mark] = set(re.findall(rf"rookery {lost} \d+", rules.read_text()))
    rules.write_text(rules.read_text().replace(mark, f"{mark}0"))
    new.round()
    target.refresh_from_db()
    assert target.stop_code == "firewall-of-another"
    rules.write_text(rules.read_text().replace(f"{mark}0", mark))

    firewalls.remove_firewall_rule(actor=olga, rule=rule)
    new.round()
    assert "letters" not in rules.read_text()
    assert lost not in rules.read_text()
    assert f"rookery {Installation.current_id()} " in rules.read_text()
