"""The canary of a stack as desired state: its address, its entry for the relay, and its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from tenants.actions import canaries, domains, mailboxes, names, stack_passes, stacks
from tenants.actor import Actor
from tenants.desired import desired_relay, known_names
from tenants.errors import Conflict, Invalid
from tenants.formats.passphrase import hash_passphrase
from tenants.formats.relay_entry import write
from tenants.models import Canary, Domain, HeldName, Mailbox, Organization, Repository, Stack, SyncTarget
from tenants.secrets import Opener, Purpose
from tests.conftest import make_address
from tests.contract.host_world import own_images
from tests.stacking import Site, build_site, build_stack

pytestmark = pytest.mark.django_db
HOME = "canary@panel.example.net"


@pytest.fixture
def site(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Site:
    own_images(settings, tmp_path)
    settings.CANARY_HOME = HOME
    return build_site(alice, domain)


def relay(domain: Domain) -> SyncTarget:
    return Repository.objects.get(domain=domain).sync_target


def test_a_stack_is_made_with_a_canary_that_is_nobody(site: Site) -> None:
    mailboxes_before, quota = Mailbox.objects.count(), _used(site.domain)
    stack = site.make()
    canary = Canary.objects.get(stack=stack)
    assert str(canary) == "rookery-canary@example.org"
    assert (Mailbox.objects.count(), _used(site.domain)) == (mailboxes_before, quota)
    assert set(canary.ways.values_list("way", "standing")) == {("in", "new"), ("out", "new")}
    target = relay(site.domain)
    assert 0 < canary.generation <= target.generation
    entry = desired_relay(target, Opener()).entries[b"rookery-canary"]
    secret = Opener().open(Purpose.CANARY, bytes(canary.sealed_secret))
    assert entry.targets == (HOME,)
    assert entry.password == hash_passphrase(secret)
    assert write(b"rookery-canary", entry, own_domain="example.org")
    assert b"rookery-canary" in known_names(target)


def test_its_entry_is_loaded_when_it_changed_or_is_asked_for(site: Site) -> None:
    site.make()
    target = relay(site.domain)
    assert b"rookery-canary" in desired_relay(target, Opener(), names=[]).names
    target.observed_generation = target.generation
    assert b"rookery-canary" not in desired_relay(target, Opener(), names=[]).names
    assert b"rookery-canary" in desired_relay(target, Opener(), names=[b"rookery-canary"]).entries


def test_nobody_else_gets_its_name(site: Site) -> None:
    site.make()
    with pytest.raises(Invalid, match="is not given again"):
        make_address(site.owner, site.domain, "rookery-canary", "x@elsewhere.example")
    held = HeldName.objects.get(local_part="rookery-canary")
    with pytest.raises(Conflict, match="canary"):
        names.release_name(actor=site.owner, held=held)


def test_it_takes_another_name_than_the_addresses_of_people(site: Site) -> None:
    taken = make_address(site.owner, site.domain, "rookery-canary", "x@elsewhere.example")
    mailboxes.trash_mailbox(actor=site.owner, mailbox=taken)
    assert Canary.objects.get(stack=site.make()).local_part == "rookery-canary-2"


@pytest.mark.parametrize("home", ["", "canary@example.org"])
def test_without_a_home_that_ptt_can_reach_its_mail_ends_at_the_relay(
    site: Site, settings: Any, home: str
) -> None:
    settings.CANARY_HOME = home
    site.make()
    entry = desired_relay(relay(site.domain), Opener()).entries[b"rookery-canary"]
    assert entry.targets == ()
    assert write(b"rookery-canary", entry, own_domain="example.org")


def test_an_older_stack_is_given_one(site: Site) -> None:
    stack = site.make()
    Canary.objects.all().delete()
    before = relay(site.domain).generation
    canary = canaries.make_canary(actor=site.owner, stack=stack)
    assert canary.generation == relay(site.domain).generation == before + 1
    with pytest.raises(Conflict, match="has a canary already"):
        canaries.make_canary(actor=site.owner, stack=stack)


def test_its_entry_leaves_with_the_stack_and_is_waited_for(site: Site) -> None:
    stack = site.make()
    stacks.remove_stack(actor=site.owner, stack=stack, name="example.org")
    assert b"rookery-canary" in desired_relay(relay(site.domain), Opener()).absent
    Canary.objects.all().delete()
    with pytest.raises(Conflict, match="is being removed"):
        canaries.make_canary(actor=site.owner, stack=stack)


def test_a_removed_stack_is_kept_until_its_canary_is_gone_outside(site: Site) -> None:
    stack = site.make()
    stacks.remove_stack(actor=site.owner, stack=stack, name="example.org")
    stack.phases.update(state="gone")
    target = stack.sync_target
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation)
    rookery = Actor.rookery()
    assert stack_passes.forget_removed_stacks(actor=rookery) == 0
    # Nor does it hold up another, however long its git host is silent.
    domain = domains.create_domain(actor=rookery, organization=site.domain.organization, name="other.example")
    another = build_stack(domain, site.choices.share, site.choices.network, "192.0.2.91", "removed")
    another.phases.update(state="gone")
    SyncTarget.objects.filter(stack=another).update(observed_generation=F("generation"))
    assert stack_passes.forget_removed_stacks(actor=rookery, at_most=1) == 1
    assert Stack.objects.get() == stack
    its = relay(site.domain)
    SyncTarget.objects.filter(pk=its.pk).update(observed_generation=its.generation)
    assert stack_passes.forget_removed_stacks(actor=rookery) == 1
    assert not Stack.objects.exists()
    assert not Canary.objects.exists()


def _used(domain: Domain) -> int:
    return Organization.objects.get(pk=domain.organization_id).mailbox_count
