"""The way of a mail stack through the real controller: what it writes when, and how it is taken back.

Its neighbours (zone, host, firewall) say at once that they agree, and roles answer as the test wants.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from tenants.actions import stack_passes, stacks
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.roles.catalogue import ROLES
from tenants.models import Domain, PrimaryServer, RecordSet, Stack, StackPhase, TsigKey, Unikernel
from tests.contract.host_world import own_images
from tests.stacking import build_site
from tests.workers.stack_way import Way
from workers.controller import Ending

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def way(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Way:
    own_images(settings, tmp_path)
    site = build_site(alice, domain)
    return Way(site, site.make(open_relay=True))


def test_every_phase_is_written_in_its_turn_and_proved(way: Way) -> None:
    assert way.step() is Ending.RETRY
    assert (way.git.let_in, way.stack.firewall, way.running) == (True, "prepared", set())
    spf = RecordSet.objects.get(owner="example.org", type="TXT")
    assert any("v=spf1" in text for text in spf.data)
    way.step()
    assert way.running == {"resolver", "primary"}
    assert way.stack.firewall == "prepared"
    assert way.go() is Ending.AGREED
    assert set(way.states.values()) == {"proved"}
    assert way.running == set(ROLES)
    assert way.stack.firewall == "open"
    assert RecordSet.objects.get(type="MX").data == ["10 example.org."]
    assert way.asked.index("relay") < way.asked.index("spamfilter") < way.asked.index("verifier")
    assert StackPhase.objects.get(name="relay").proof["banner"].startswith("10.0.0.")


def test_a_role_that_never_becomes_ready_says_so_and_is_tried_again(way: Way) -> None:
    way.silent = {"relay"}
    assert way.go() is Ending.STOPPED
    relay = way.stack.phases.get(name="relay")
    assert relay.state == "failed"
    assert "not proved within 2 minutes" in relay.reason
    assert "it said nothing in time" in relay.reason
    assert "needs what failed: the relay" in way.stack.phases.get(name="signer").reason
    assert way.states["letsencrypt"] == "proved"
    assert way.stack.firewall == "prepared"
    assert not RecordSet.objects.filter(type="MX").exists()
    way.silent = set()
    stacks.retry_phase(actor=way.site.owner, stack=way.stack, phase="relay")
    assert way.go() is Ending.AGREED


def test_a_unikernel_that_ends_by_itself_fails_with_its_words(way: Way) -> None:
    way.silent = {"resolver"}
    way.step()
    way.step()
    Unikernel.objects.filter(name="example-org-resolver-1").update(
        ended_generation=F("generation"), ended_words="bad --root"
    )
    way.step()
    assert "bad --root" in way.stack.phases.get(name="resolver").reason


def test_nothing_starts_before_the_others_have_proved_their_part(way: Way) -> None:
    way.agree = False
    for _ in range(3):
        assert way.step() is Ending.RETRY
    assert way.running == set()
    assert way.states["records"] == "doing"
    way.agree = True
    assert way.go() is Ending.AGREED


def test_a_worker_that_dies_between_writing_and_recording_goes_on(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(**_: object) -> None:
        raise SystemExit

    for _ in range(6):
        monkeypatch.setattr("workers.targets.stack.record_phases", dies)
        with pytest.raises(SystemExit):
            way.step()
        monkeypatch.undo()
        way.step()
    assert way.go() is Ending.AGREED
    assert way.running == set(ROLES)


def test_what_must_be_done_by_hand_is_said(way: Way) -> None:
    way.git.by_hand = True
    assert way.go() is Ending.STOPPED
    assert way.stack.phases.get(name="git").reason == "Add this line by hand."
    way.git.let_in = True  # somebody did
    stacks.retry_phase(actor=way.site.owner, stack=way.stack, phase="git")
    assert way.go() is Ending.AGREED


def test_cancelled_it_stops_keeps_what_stays_and_goes_on(way: Way) -> None:
    way.go()
    stacks.cancel_stack(actor=way.site.owner, stack=way.stack)
    way.step()
    assert not RecordSet.objects.filter(type="MX", absent=False).exists()
    assert len(way.running) == 8  # mail that was let in is still taken
    assert way.go() is Ending.AGREED
    assert (way.running, way.stack.firewall) == (set(), "prepared")
    states = way.states
    assert {states[name] for name in ("git", "records", "firewall")} == {"proved"}
    assert {states[name] for name in ROLES} == {"gone"}
    stacks.resume_stack(actor=way.site.owner, stack=way.stack)
    assert way.go() is Ending.AGREED
    assert way.running == set(ROLES)


def test_removed_it_leaves_nothing_but_records(way: Way) -> None:
    way.go()
    stacks.remove_stack(actor=way.site.owner, stack=way.stack, name="example.org")
    assert way.go() is Ending.AGREED
    assert set(way.states.values()) == {"gone"}
    assert (way.git.let_in, way.stack.firewall) == (False, "closed")
    assert not Unikernel.objects.filter(deleted_at=None).exists()
    assert not TsigKey.objects.filter(used_in_stacks__isnull=False, removed=False).exists()
    assert stack_passes.forget_removed_stacks(actor=Actor.rookery()) == 1
    assert not Stack.objects.exists()
    assert RecordSet.objects.filter(owner="example.org", type="A", absent=False).exists()
    primary = PrimaryServer.objects.get()
    assert primary.removed_with == "example.org"
    Unikernel.objects.all().delete()  # the host's own passes forget them
    way.site.make(selector="s2")
    primary.refresh_from_db()
    assert primary.removed_with == ""


def test_removed_before_it_began_it_is_gone_too(way: Way) -> None:
    stacks.remove_stack(actor=way.site.owner, stack=way.stack, name="example.org")
    assert way.go() is Ending.AGREED
    assert stack_passes.forget_removed_stacks(actor=Actor.rookery()) == 1


def test_another_sender_policy_is_replaced_and_other_texts_stay(way: Way) -> None:
    from tenants.actions.record_sets import set_record_set
    from tenants.stack_wishes import zone_of

    zone = zone_of(way.stack.domain)
    assert zone is not None
    texts = ('"v=spf1 mx -all"', '"verify=1"')
    set_record_set(actor=way.site.owner, zone=zone, owner="@", record_type="TXT", data=texts)
    way.step()
    data = RecordSet.objects.get(owner="example.org", type="TXT").data
    assert '"verify=1"' in data
    assert sum("v=spf1" in text for text in data) == 1


def test_only_workers_walk_the_phases(way: Way) -> None:
    for act in (stack_passes.write_phase, stack_passes.withdraw_phase):
        with pytest.raises(Forbidden):
            act(actor=replace(way.site.owner), stack=way.stack, phase="relay")
