"""Mail stacks as desired state: the plan that is confirmed, what is made of it, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tenants.actions import (
    domains,
    firewalls,
    host_shares,
    hosts,
    images,
    networks,
    public_addresses,
    signing_keys,
    stacks,
    tsig_keys,
    zones,
)
from tenants.actions.blueprints import Choices
from tenants.actions.mail_checks import checks_of
from tenants.actor import Actor
from tenants.desired_firewall import desired_firewall, intent_of
from tenants.desired_host import desired_host
from tenants.errors import Absent, Conflict, Invalid
from tenants.expectations import expected_of
from tenants.formats.arguments import Place, References, fill_in, referenced
from tenants.formats.firewall.rules import Chain
from tenants.formats.networks import check_network
from tenants.formats.roles.catalogue import ROLES
from tenants.formats.roles.check import check_role_arguments
from tenants.formats.roles.keys import ssh_public_line
from tenants.formats.roles.role import Era
from tenants.models import (
    Domain,
    Event,
    Host,
    HostAddress,
    Organization,
    Release,
    RepositoryReader,
    SigningKey,
    Stack,
    StackPhase,
    StackSecret,
    SyncTarget,
    TsigKey,
    Unikernel,
    UnikernelSecret,
    Zone,
)
from tenants.secrets import Opener, Purpose
from tenants.stack_wishes import full_intent
from tests.contract.host_world import own_images
from tests.hosting import FORWARDED, NETWORKED, PLAIN, upload
from tests.stacking import PUBLIC, Site, build_site, build_stack

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def site(alice: Actor, domain: Domain) -> Site:
    return build_site(alice, domain)


def count_everything() -> dict[str, int]:
    kinds = (Stack, Release, StackSecret, StackPhase, TsigKey, Unikernel, HostAddress, SyncTarget, Event)
    return {kind.__name__: kind._default_manager.count() for kind in kinds}


def lacking(site: Site, **changes: Any) -> str:
    """All that stands in the way, in words; the making says the same."""
    blueprint = site.preview(**changes)
    before = count_everything()
    with pytest.raises(Invalid) as refused:
        site.make(**changes)
    assert refused.value.problems == blueprint.lacking
    assert count_everything() == before
    return " ".join(str(each) for each in blueprint.lacking)


# the plan ---------------------------------------------------------------------------------------------


def test_a_preview_shows_everything_and_writes_nothing(site: Site) -> None:
    before = count_everything()
    blueprint = site.preview()
    assert count_everything() == before
    assert blueprint.lacking == ()
    assert set(blueprint.plan.addresses) == set(ROLES)
    lines = [line for step in blueprint.plan.steps for line in step.commands]
    assert any(line.startswith("albatross-client create acme:example-org-relay-1") for line in lines)
    assert any("relay.git" in line and "authorized_keys" in line for line in lines)
    assert "--remote=git@git.example.org:relay.git#main" in blueprint.plan.roles[3].arguments
    assert site.preview().digest == blueprint.digest
    assert site.preview(production=True).digest != blueprint.digest


def test_another_plan_than_the_one_that_was_shown_is_not_made(site: Site) -> None:
    seen = site.preview().digest
    HostAddress.objects.create(network=site.choices.network, address="10.0.0.3", note="a printer")
    with pytest.raises(Conflict, match="Read it again"):
        stacks.make_stack(actor=site.owner, domain=site.domain, choices=site.choices, plan=seen)
    assert not Stack.objects.exists()
    assert "10.0.0.3" not in site.preview().plan.addresses.values()


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"submission_host": "smtp.elsewhere.example"}, "submission_host"),
        ({"selector": "S 1"}, "selector"),
        ({"git_address": "-oProxyCommand"}, "git_address"),
        ({"services": {"relay": "10.0.0.99"}}, "relay"),
        ({"services": {"pigeon": "10.0.0.99"}}, "pigeon"),
        ({"services": {"resolver": "localhost"}}, "resolver"),
    ],
)
def test_a_choice_that_cannot_be_names_its_field(site: Site, choice: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        site.preview(**choice)
    assert field in {problem.field for problem in refused.value.problems}


def test_an_image_says_its_generation_and_has_a_network(site: Site) -> None:
    unknown = upload(site.machine.actor, site.domain.organization, PLAIN, name="unknown")
    with pytest.raises(Invalid, match="of which generation"):
        site.preview(images={**site.choices.images, "relay": unknown})
    images.change_image(actor=site.owner, image=unknown, era="p23")
    with pytest.raises(Invalid, match="cannot be a relay"):
        site.preview(images={**site.choices.images, "relay": unknown})
    missing = {name: image for name, image in site.choices.images.items() if name != "signer"}
    with pytest.raises(Invalid, match="DKIM signer is missing"):
        site.preview(images=missing)


def test_a_full_pool_says_so(site: Site) -> None:
    small = networks.add_network(
        actor=site.machine.actor, share=site.choices.share, bridge="small", subnet="10.0.9.0/29"
    )
    with pytest.raises(Invalid, match="no free address") as refused:
        site.preview(network=small)
    assert refused.value.problems[0].field == "network"


# what stands in the way -------------------------------------------------------------------------------


def test_what_is_lacking_is_said_all_at_once(site: Site) -> None:
    zone = Zone.objects.get(domain=site.domain)
    zones.freeze_zone(actor=site.owner, zone=zone, frozen=True)
    site.domain.relay.host_key = ""
    site.domain.relay.save()
    host_shares.change_quota(
        actor=site.machine.actor, share=site.choices.share, memory=512, most_unikernels=7
    )
    firewalls.release_firewall(actor=site.machine.actor, firewall=site.firewall)
    text = lacking(site)
    for words in (
        "frozen",
        "compared the host key of git.example.org",
        "needs 1856 MB, and 512 of 512 MB are free",
        "8 unikernels, and 7 of 7 are free",
        "keeps no rules in the firewall",
    ):
        assert words in text


def test_names_that_are_taken_are_said(site: Site) -> None:
    zone = Zone.objects.get(domain=site.domain)
    repository = zone.target.repository
    assert repository is not None
    tsig_keys.create_key(actor=site.owner, repository=repository, zone=zone, used_by="signer", right="update")
    site.machine.unikernel("example-org-relay-1", upload(site.machine.actor, site.domain.organization))
    signing_keys.make_signing_key(actor=site.owner, domain=site.domain, selector="s1")
    text = lacking(site)
    assert "s1 has a DKIM key already" in text
    assert "a key signer._update.example.org already" in text
    assert "a unikernel example-org-relay-1 already" in text


def test_a_rule_by_hand_that_wants_the_port_is_said(site: Site) -> None:
    rule = {**FORWARDED, "destination": PUBLIC, "port": 465, "note": "the old server"}
    firewalls.add_firewall_rule(actor=site.machine.actor, firewall=site.firewall, **rule)
    assert "the old server" in lacking(site)


def test_two_domains_never_share_a_public_address(site: Site, alice: Actor, domain: Domain) -> None:
    site.make()
    other = Domain.objects.create(organization=domain.organization, name="second.example")
    second = Site(alice, other, site.machine, site.choices)
    text = " ".join(str(each) for each in second.preview().lacking)
    assert "serves another domain's mail" in text
    assert "No relay repository is connected" in text
    assert "Rookery keeps no zone" in text


def test_nothing_of_another_organization_can_be_chosen(site: Site, charlie: Actor) -> None:
    theirs = Organization.objects.get(name="Difference Works")
    share = host_shares.share_host(actor=site.machine.actor, host=site.machine.host, organization=theirs)
    network = networks.add_network(
        actor=site.machine.actor, share=share, bridge="theirs", subnet="10.7.0.0/24"
    )
    public = public_addresses.add_public_address(actor=site.machine.actor, share=share, address="192.0.2.77")
    image = upload(site.machine.actor, theirs, NETWORKED, name="theirs", era="p23")
    for change in (
        {"share": share},
        {"network": network},
        {"public": public},
        {"images": {**site.choices.images, "relay": image}},
    ):
        with pytest.raises(Absent):
            site.preview(**change)
    # Its relay takes plain SMTP from any neighbour.
    without = {name: each for name, each in site.choices.images.items() if name != "relay"}
    with pytest.raises(Invalid, match="another organization's network"):
        site.preview(images=without, services={"relay": "10.7.0.5"})
    with pytest.raises(Absent):
        stacks.make_stack(actor=charlie, domain=site.domain, choices=site.choices, plan="")


def test_the_resolver_of_those_who_run_the_host_serves_guests(site: Site, charlie: Actor) -> None:
    resolver = site.make().release.parts[0]["address"]  # type: ignore[union-attr]
    theirs = Organization.objects.get(name="Difference Works")
    operator = site.machine.actor
    share = host_shares.share_host(actor=operator, host=site.machine.host, organization=theirs)
    network = networks.add_network(actor=operator, share=share, bridge="theirs", subnet="10.7.0.0/24")
    public = public_addresses.add_public_address(actor=operator, share=share, address="192.0.2.77")
    image = upload(operator, theirs, NETWORKED, name="theirs", era="p23")
    domain = Domain.objects.create(organization=theirs, name="works.example")
    without = {name: image for name in ROLES if name != "resolver"}
    guest = Site(
        charlie,
        domain,
        site.machine,
        Choices(share, network, public, without, {"resolver": resolver}),
    )
    intent = guest.preview().plan.intent
    assert {str(each.target) for each in intent.reaches} == {resolver}
    relay = Release.objects.get().parts[3]["address"]
    with pytest.raises(Invalid, match="another organization's network"):
        guest.preview(services={"resolver": relay})


# what is made -----------------------------------------------------------------------------------------


def test_all_of_it_is_made_at_once_and_nothing_runs_yet(site: Site) -> None:
    blueprint = site.preview()
    stack = site.make()
    rows = {row.name: row for row in Unikernel.objects.filter(share=stack.share).order_by("pk")}
    assert stack.release is not None
    assert len(rows) == 8 == len(stack.release.parts)
    assert not any(row.running for row in rows.values())
    for part in stack.release.parts:
        row = rows[part["label"]]
        assert row.addresses.get().address == part["address"] == blueprint.plan.addresses[part["role"]]
        assert row.arguments == part["arguments"]
        assert row.image.sha256 == part["image"]
        assert row.restart_on_exit == []
    assert [row.startup for row in rows.values()] == sorted(row.startup for row in rows.values())
    phases = list(stack.phases.values_list("name", "state"))
    assert phases[0] == ("git", "pending")
    assert phases[-1] == ("open", "pending")  # port 25 waits for a decision, so no MX record
    target = stack.sync_target
    assert (target.kind, target.observed_generation < target.generation) == ("stack", True)
    assert set(RepositoryReader.objects.values_list("role", flat=True)) == {"relay", "submission"}
    # Desired state of the host: all of them absent.
    desired = desired_host(site.machine.target, Opener())
    assert len(desired.absent) == 8
    assert desired.unikernels == ()


def test_secrets_are_sealed_and_fit_what_unikernels_take(site: Site) -> None:
    stack = site.make()
    opener = Opener()
    for part in stack.release.parts:  # type: ignore[union-attr]
        row = Unikernel.objects.get(name=part["label"])
        secrets = {
            each.name: opener.open(Purpose.ARGUMENT, bytes(each.sealed_value))
            for each in UnikernelSecret.objects.filter(unikernel=row)
        }
        assert {name for kind, name in referenced(row.arguments) if kind == "secret"} == set(secrets)
        place = References(secrets, {"service": _place(part["address"])})
        words = [word.decode() for word in fill_in(row.arguments, place)]
        check_role_arguments(ROLES[part["role"]], Era.P23, words, filled=True)
        for name, value in secrets.items():
            if name == "dkim-seed":
                signing = SigningKey.objects.get(domain=site.domain, selector="s1")
                assert opener.open(Purpose.DKIM_SEED, bytes(signing.sealed_seed)) == value
                continue
            holder = {"relay": "users", "submission": "users", "primary": "zones"}.get(part["role"])
            kept = stack.secrets.get(
                holder=holder if name == "ssh-key" and holder else part["role"], name=name
            )
            assert opener.open(Purpose.ARGUMENT, bytes(kept.sealed_value)) == value
            if name == "ssh-key":
                assert kept.public.startswith(ssh_public_line(value))
            if name == "dns-key":
                key = kept.key
                assert key is not None
                secret = opener.open(Purpose.TSIG_KEY, bytes(key.sealed_secret))
                assert value == f"{part['role']}._update.example.org:SHA256:{secret}"
    assert stack.secrets.filter(name="ssh-key").count() == 2
    told = Event.objects.filter(verb="make_stack").get()
    assert "secret" not in str(told.after)


def _place(address: str) -> Place:
    return Place(address, 24, check_network("10.0.0.0/24")["gateway"])


def test_a_domain_has_one_stack_and_a_release_never_changes(site: Site) -> None:
    stack = site.make()
    with pytest.raises(Conflict, match="has a mail stack already"):
        site.preview()
    release = Release.objects.get(stack=stack)
    release.note = "another"
    with pytest.raises(TypeError):
        release.save()
    stack.refresh_from_db()
    assert stack.release == release


def test_a_failure_in_the_middle_leaves_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = count_everything()

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(stacks, "keep_phases", breaks)
    with pytest.raises(RuntimeError):
        site.make()
    assert count_everything() == before


# the firewall -----------------------------------------------------------------------------------------


def ports_open(site: Site) -> set[int]:
    return {each.port for each in intent_of(site.firewall).published}


def test_the_firewall_opens_with_the_stack_and_beside_rules_by_hand(site: Site) -> None:
    operator = site.machine.actor
    firewalls.add_firewall_rule(actor=operator, firewall=site.firewall, **FORWARDED)
    stack = site.make(open_relay=True)
    assert intent_of(site.firewall).bridges == ()
    for state, ports in (("prepared", {53}), ("open", {25, 53, 465})):
        Stack.objects.filter(pk=stack.pk).update(firewall=state)
        assert ports_open(site) == ports
    rules = desired_firewall(site.firewall.sync_target).wanted[4].rules
    dnat = [str(rule) for rule in rules if rule.chain is Chain.DNAT]
    assert "192.0.2.1" in dnat[0]
    assert all(PUBLIC in line for line in dnat[1:])
    stack.refresh_from_db()
    assert stack.release is not None
    assert full_intent(stack, stack.release) == replace(intent_of(site.firewall), by_hand=())
    with pytest.raises(Conflict, match="would be cut off"):
        firewalls.release_firewall(actor=operator, firewall=site.firewall)


def test_port_25_opens_by_a_decision_only(site: Site) -> None:
    stack = site.make()
    assert PUBLIC not in expected_of(checks_of(site.domain)).ours
    Stack.objects.filter(pk=stack.pk).update(firewall="open")
    assert 25 not in ports_open(site)
    firewall = site.firewall.sync_target
    with pytest.raises(Invalid, match="needs a reason"):
        stacks.decide_open_relay(actor=site.owner, stack=stack, open_relay=True, reason="  ")
    assert 25 not in ports_open(site)
    stacks.decide_open_relay(actor=site.owner, stack=stack, open_relay=True, reason="Only we reach it.")
    assert Event.objects.latest("pk").reason == "Only we reach it."
    Host.objects.update(seen_at=timezone.now())
    assert PUBLIC in expected_of(checks_of(site.domain)).ours, "so the checks try it"
    assert 25 in ports_open(site)
    assert SyncTarget.objects.get(pk=firewall.pk).generation > firewall.generation
    assert list(stack.phases.values_list("name", flat=True))[-2:] == ["open", "mx"]
    stacks.decide_open_relay(actor=site.owner, stack=stack, open_relay=False)
    assert 25 not in ports_open(site)


# what people ask of it --------------------------------------------------------------------------------


def test_one_part_is_tried_again(site: Site) -> None:
    stack = site.make()
    with pytest.raises(Conflict, match="has not failed"):
        stacks.retry_phase(actor=site.owner, stack=stack, phase="relay")
    with pytest.raises(Invalid, match="no part"):
        stacks.retry_phase(actor=site.owner, stack=stack, phase="pigeon")
    relay = stacks.unikernel_of(stack, "relay")
    assert relay is not None
    Unikernel.objects.filter(pk=relay.pk).update(ended_generation=relay.generation, running=True)
    stack.phases.filter(name="relay").update(state="failed", reason="It ended with code 64.")
    row = stacks.retry_phase(actor=site.owner, stack=stack, phase="relay")
    assert (row.state, row.reason, row.tries) == ("pending", "", 1)
    relay.refresh_from_db()
    assert not relay.ended


def test_cancel_resume_and_remove(site: Site) -> None:
    stack = site.make()
    before = stack.sync_target.generation
    stacks.cancel_stack(actor=site.owner, stack=stack)
    stack.phases.filter(name="relay").update(state="failed")
    stacks.resume_stack(actor=site.owner, stack=stack)
    assert stack.phases.get(name="relay").state == "pending"
    with pytest.raises(Invalid, match=r"Type example\.org"):
        stacks.remove_stack(actor=site.owner, stack=stack, name="example.com")
    stacks.remove_stack(actor=site.owner, stack=stack, name="example.org")
    assert SyncTarget.objects.get(stack=stack).generation == before + 3
    for act in (stacks.cancel_stack, stacks.resume_stack):
        with pytest.raises(Conflict, match="being removed"):
            act(actor=site.owner, stack=stack)


def test_what_another_stack_uses_is_neither_cancelled_nor_removed(site: Site) -> None:
    stack, organization = site.make(), site.domain.organization
    second = domains.create_domain(actor=site.owner, organization=organization, name="example.net")
    assert stack.release is not None
    (resolver,) = [part["address"] for part in stack.release.parts if part["role"] == "resolver"]
    other = build_stack(second, site.choices.share, site.choices.network, "192.0.2.26", "running")
    other.release = Release.objects.create(
        stack=other, number=2, parts=[], services={"resolver": resolver}, made_at=other.changed_at
    )
    other.save()
    with pytest.raises(Conflict, match=r"resolver also serves the mail stack of example\.net"):
        stacks.cancel_stack(actor=site.owner, stack=stack)
    with pytest.raises(Conflict, match="Give that one its own first"):
        stacks.remove_stack(actor=site.owner, stack=stack, name="example.org")
    Stack.objects.filter(pk=other.pk).update(wanted="removed")
    stacks.cancel_stack(actor=site.owner, stack=stack)


def test_what_a_stack_stands_on_is_not_taken_away(site: Site) -> None:
    site.make()
    operator = site.machine.actor
    Unikernel.objects.all().delete()
    with pytest.raises(Conflict, match=r"mail stack of example\.org"):
        networks.remove_network(actor=operator, network=site.choices.network)
    with pytest.raises(Conflict, match=r"mail stack of example\.org"):
        public_addresses.remove_public_address(actor=operator, public=site.choices.public)
    with pytest.raises(Conflict, match=r"mail stack of example\.org"):
        hosts.remove_host(actor=operator, host=site.machine.host)


# public addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["pigeon", "127.0.0.1", "224.0.0.1", "0.0.0.0", "10.0.0.7", "::1"])  # noqa: S104
def test_a_public_address_is_one(site: Site, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        public_addresses.add_public_address(
            actor=site.machine.actor, share=site.choices.share, address=address
        )
    assert refused.value.problems[0].field == "address"


def test_a_public_address_is_given_once(site: Site) -> None:
    with pytest.raises(Conflict, match="given already"):
        public_addresses.add_public_address(
            actor=site.machine.actor,
            share=site.choices.share,
            address=PUBLIC,
        )


def test_git_on_the_host_is_reached_at_the_gateway(site: Site) -> None:
    relay = site.domain.relay
    relay.host = "rock.example"
    relay.save()
    assert "--remote=git@10.0.0.1:relay.git#main" in site.preview().plan.roles[3].arguments
