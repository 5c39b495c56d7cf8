"""Upgrades as desired state: the plan that is confirmed, what is made of it, and how it goes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tenants.actions import host_shares, stacks, upgrade_passes, upgrades
from tenants.actions.upgrade_blueprints import preview_upgrade
from tenants.actor import Actor
from tenants.desired_firewall import intent_of
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.stacks.phases import Standing, State
from tenants.formats.stacks.upgrade_phases import FLIP, REMOVE
from tenants.models import (
    Domain,
    Event,
    Firewall,
    HostAddress,
    Image,
    Release,
    RepositoryReader,
    Stack,
    SyncTarget,
    Unikernel,
    UnikernelSecret,
    Upgrade,
)
from tests.contract.host_world import own_images
from tests.hosting import NETWORKED, upload
from tests.stacking import Site, build_site, serving

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    own_images(settings, tmp_path)


@pytest.fixture
def site(alice: Actor, domain: Domain) -> Site:
    return build_site(alice, domain)


@pytest.fixture
def stack(site: Site) -> Stack:
    return serving(site.make(open_relay=True))


@pytest.fixture
def newer(site: Site) -> Image:
    contents = NETWORKED + b"\0" * 16
    return upload(site.machine.actor, site.domain.organization, contents, name="newer", era="p23")


def begin(site: Site, stack: Stack, images: Mapping[str, Image], note: str = "") -> Upgrade:
    plan = preview_upgrade(actor=site.owner, stack=stack, images=images).digest
    return upgrades.upgrade_stack(actor=site.owner, stack=stack, images=images, plan=plan, note=note)


def parts(release: Release) -> dict[str, dict[str, Any]]:
    return {part["role"]: part for part in release.parts}


def leads_to(site: Site, port: int) -> set[str]:
    return {str(each.target) for each in intent_of(site.firewall).published if each.port == port}


def test_a_preview_writes_nothing_and_shows_the_whole_way(site: Site, stack: Stack, newer: Image) -> None:
    before = Event.objects.count(), Release.objects.count()
    seen = preview_upgrade(actor=site.owner, stack=stack, images={"relay": newer})
    assert (Event.objects.count(), Release.objects.count()) == before
    assert seen.following.beside == {"relay", "signer", "submission", "spamfilter", "verifier"}
    assert seen.lacking == ()
    lines = "\n".join(line for step in seen.steps for line in step.commands)
    assert "albatross-client create acme:example-org-relay-2" in lines
    assert "albatross-client destroy acme:example-org-relay-1" in lines


def test_the_next_release_stands_beside_the_one_that_serves(site: Site, stack: Stack, newer: Image) -> None:
    first = stack.release
    upgrade = begin(site, stack, {"signer": newer})
    stack.refresh_from_db()
    assert first is not None
    assert stack.release == first == upgrade.before
    old, new = parts(first), parts(upgrade.after)
    assert upgrade.after.number == 2
    assert {role for role in new if new[role] != old[role]} == {"signer", "submission"}
    assert new["signer"]["image"] == newer.sha256
    for role in ("signer", "submission"):
        rows = {row.name: row for row in Unikernel.objects.filter(name__contains=f"-{role}-")}
        made, kept = rows[new[role]["label"]], rows[old[role]["label"]]
        assert (made.running, kept.deleted_at) == (False, None)
        assert made.addresses.get().address == new[role]["address"] != old[role]["address"]
        assert made.image.sha256 == new[role]["image"]
        same = [
            {each.name: bytes(each.sealed_value) for each in UnikernelSecret.objects.filter(unikernel=row)}
            for row in (made, kept)
        ]
        assert same[0] == same[1] != {}
    assert RepositoryReader.objects.filter(role="submission").count() == 2
    assert [row.name for row in upgrade.phases.all()] == [
        "firewall",
        "signer",
        "submission",
        "trial",
        "flip",
        "watch",
        "drain",
        "remove",
    ]
    told = Event.objects.get(verb="upgrade_stack")
    assert told.after["beside"] == ["signer", "submission"]


def test_the_firewall_knows_both_and_leads_to_the_one_that_serves(
    site: Site, stack: Stack, newer: Image
) -> None:
    generation = SyncTarget.objects.get(firewall=site.firewall).generation
    old = parts(stack.release)["verifier"]["address"]  # type: ignore[arg-type]
    upgrade = begin(site, stack, {"verifier": newer})
    new = parts(upgrade.after)["verifier"]["address"]
    assert SyncTarget.objects.get(firewall=site.firewall).generation > generation
    assert leads_to(site, 25) == {old}
    assert {str(each.target) for each in intent_of(site.firewall).standby if each.port == 25} == {old, new}
    rookery = Actor.rookery()
    upgrade_passes.write_upgrade_phase(actor=rookery, upgrade=upgrade, phase=FLIP)
    assert leads_to(site, 25) == {new}
    upgrades.roll_back(actor=site.owner, stack=stack)
    upgrade_passes.withdraw_upgrade_phase(actor=rookery, upgrade=upgrade, phase=FLIP)
    assert leads_to(site, 25) == {old}


def test_the_second_of_two_administrators_is_told_of_the_first(
    site: Site, stack: Stack, newer: Image
) -> None:
    seen = preview_upgrade(actor=site.owner, stack=stack, images={"relay": newer}).digest
    late = Stack.objects.get(pk=stack.pk)
    upgrades.upgrade_stack(actor=site.owner, stack=stack, images={"relay": newer}, plan=seen)
    with pytest.raises(Conflict, match=r"Alice began the upgrade of example\.org to release 2") as refused:
        upgrades.upgrade_stack(actor=site.owner, stack=late, images={"relay": newer}, plan=seen)
    assert "Only one is done at a time" in str(refused.value)
    assert Release.objects.count() == 2
    row = Upgrade.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Upgrade.objects.create(
            stack=stack,
            before=row.before,
            after=Release.objects.create(stack=stack, number=3, parts=[], made_by="x", made_at=NOW),
            began_at=NOW,
        )


def test_its_note_is_one_honest_line_that_the_release_and_the_history_keep(
    site: Site, stack: Stack, newer: Image
) -> None:
    refusals = (("two\nlines", "line break"), ("\u202eesrever", "U\\+202E"), ("x" * 201, "at most 200"))
    for note, said in refusals:
        with pytest.raises(Invalid, match=said) as refused:
            begin(site, stack, {"signer": newer}, note)
        assert refused.value.problems[0].field == "note"
    assert Release.objects.count() == 1
    upgrade = begin(site, stack, {"signer": newer}, "  Signs <b>faster</b>, cafe\u0301. ")
    assert upgrade.after.note == "Signs <b>faster</b>, caf\u00e9."
    assert Event.objects.get(verb="upgrade_stack").reason == upgrade.after.note


def test_another_plan_than_the_one_that_was_shown_is_not_carried_out(
    site: Site, stack: Stack, newer: Image
) -> None:
    seen = preview_upgrade(actor=site.owner, stack=stack, images={"relay": newer}).digest
    HostAddress.objects.create(network=site.choices.network, address="10.0.0.10", note="a printer")
    with pytest.raises(Conflict, match="Read it again"):
        upgrades.upgrade_stack(actor=site.owner, stack=stack, images={"relay": newer}, plan=seen)
    assert not Upgrade.objects.exists()


def test_what_cannot_be_upgraded_says_why(site: Site, stack: Stack, newer: Image) -> None:
    def refused(**images: Image) -> str:
        with pytest.raises((Invalid, Conflict)) as error:
            preview_upgrade(actor=site.owner, stack=stack, images=images)
        return error.value.sentence

    assert "has this image already" in refused()
    assert "No “pigeon” of this stack runs here" in refused(pigeon=newer)
    unknown = upload(site.machine.actor, site.domain.organization, NETWORKED + b"\0" * 32, name="unknown")
    assert "of which generation" in refused(relay=unknown)
    stack.phases.filter(name="relay").update(state="doing")
    assert "still on its way" in refused(relay=newer)
    stack.phases.filter(name="relay").update(state="failed")
    assert preview_upgrade(actor=site.owner, stack=stack, images={"relay": newer})
    stacks.cancel_stack(actor=site.owner, stack=stack)
    assert "cancelled" in refused(relay=newer)


def test_what_is_lacking_is_said_before(site: Site, stack: Stack, newer: Image) -> None:
    Unikernel.objects.update(running=True)
    host_shares.change_quota(
        actor=site.machine.actor, share=site.choices.share, memory=2000, most_unikernels=9
    )
    Unikernel.objects.filter(name="example-org-spamfilter-1").update(deleted_at=NOW)
    seen = preview_upgrade(actor=site.owner, stack=Stack.objects.get(pk=stack.pk), images={"relay": newer})
    text = " ".join(str(each) for each in seen.lacking)
    assert "spam filter was deleted" in text
    assert "need 1024 MB, and 400 of 2000 MB are free" in text
    assert "5 unikernels more, and 2 of 9 are free" in text
    with pytest.raises(Invalid) as refused:
        upgrades.upgrade_stack(actor=site.owner, stack=stack, images={"relay": newer}, plan=seen.digest)
    assert refused.value.problems == seen.lacking


def test_nothing_of_another_organization_is_there(
    site: Site, stack: Stack, newer: Image, charlie: Actor
) -> None:
    with pytest.raises(Absent):
        preview_upgrade(actor=charlie, stack=stack, images={"relay": newer})
    Image.objects.filter(pk=newer.pk).update(organization=charlie.account.memberships.get().organization)  # type: ignore[union-attr]
    with pytest.raises(Absent):
        preview_upgrade(actor=site.owner, stack=stack, images={"relay": Image.objects.get(pk=newer.pk)})


# its way ----------------------------------------------------------------------------------------------


def keep(upgrade: Upgrade, **states: State) -> None:
    """As a pass would record it; the rest is proved."""
    standings = {
        row.name: Standing(states.get(row.name, State.PROVED), "It said nothing.", {"seen": row.name})
        for row in upgrade.phases.all()
    }
    upgrade_passes.record_upgrade(
        actor=Actor.rookery(), upgrade=upgrade, standings=standings, seen=upgrade.tries, now=NOW
    )


def test_it_ends_when_all_was_proved_and_then_an_earlier_one_is_made_current(
    site: Site, stack: Stack, newer: Image
) -> None:
    first = stack.release
    assert first is not None
    upgrade = begin(site, stack, {"verifier": newer})
    rookery = Actor.rookery()
    for phase in (FLIP, REMOVE):
        upgrade_passes.write_upgrade_phase(actor=rookery, upgrade=upgrade, phase=phase)
    keep(upgrade)
    assert (upgrade.state, upgrade.ended_at) == ("done", NOW)
    assert stack.phases.get(name="verifier").proof == {"seen": "verifier"}
    assert intent_of(site.firewall).standby == ()
    stack.refresh_from_db()
    with pytest.raises(Conflict, match="Release 2 is the current one"):
        upgrades.preview_return(actor=site.owner, release=upgrade.after)
    seen = upgrades.preview_return(actor=site.owner, release=first)
    assert (seen.wish.release, seen.following.beside) == (3, {"verifier"})
    back = upgrades.make_current(actor=site.owner, release=first, plan=seen.digest)
    assert parts(back.after)["verifier"]["image"] == parts(first)["verifier"]["image"]
    assert parts(back.after)["verifier"]["label"] == "example-org-verifier-3"
    assert back.after.note == "As release 1."
    # The image of that time may be gone.
    Upgrade.objects.filter(pk=back.pk).update(state="done", ended_at=NOW)
    Image.objects.filter(sha256=parts(first)["verifier"]["image"]).update(sha256="ee" * 32)
    with pytest.raises(Invalid, match="is not here any more"):
        upgrades.preview_return(actor=site.owner, release=Release.objects.get(pk=first.pk))


def test_what_fails_turns_it_back_and_is_told(site: Site, stack: Stack, newer: Image) -> None:
    upgrade = begin(site, stack, {"verifier": newer})
    later = {row.name: State.PENDING for row in upgrade.phases.all()}
    keep(upgrade, **{**later, "verifier": State.FAILED})
    assert upgrade.state == "returning"
    assert upgrade.reason == "Start the new receiver: It said nothing."
    assert upgrade.phases.get(name="verifier").state == "pending"
    with pytest.raises(Conflict, match="does not go on"):
        upgrade_passes.write_upgrade_phase(actor=Actor.rookery(), upgrade=upgrade, phase=FLIP)
    keep(upgrade, **{row.name: State.GONE for row in upgrade.phases.all()})
    assert (upgrade.state, upgrade.ended_at) == ("returned", NOW)
    assert [each.sentence for each in Event.objects.filter(verb="record_upgrade").order_by("pk")] == [
        "the upgrade of example.org to release 2 goes back. Start the new receiver: It said nothing.",
        "the upgrade of example.org to release 2 is rolled back: release 1 serves as before.",
    ]
    # The number of a release is never given twice.
    assert begin(site, stack, {"verifier": newer}).after.number == 3


def test_who_rolls_back_meanwhile_counts_more_than_what_a_pass_saw(
    site: Site, stack: Stack, newer: Image
) -> None:
    upgrade = begin(site, stack, {"verifier": newer})
    stale = Upgrade.objects.get(pk=upgrade.pk)
    upgrades.roll_back(actor=site.owner, stack=stack)
    keep(stale, verifier=State.DOING)
    row = Upgrade.objects.get(pk=upgrade.pk)
    assert (row.state, row.tries, row.phases.get(name="verifier").state) == ("returning", 1, "pending")


def test_a_stack_that_is_halted_takes_its_upgrade_back_unless_the_old_ones_go_already(
    site: Site, stack: Stack, newer: Image
) -> None:
    upgrade = begin(site, stack, {"verifier": newer})
    stacks.cancel_stack(actor=site.owner, stack=stack)
    upgrade.refresh_from_db()
    assert (upgrade.state, upgrade.reason[:12]) == ("returning", "The stack is")
    Upgrade.objects.update(state="going")
    upgrade.phases.filter(name="remove").update(state="doing")
    stacks.remove_stack(actor=site.owner, stack=stack, name="example.org")
    upgrade.refresh_from_db()
    assert upgrade.state == "going"
    with pytest.raises(Conflict, match="being removed already"):
        upgrades.roll_back(actor=site.owner, stack=stack)


def test_what_must_be_alone_is_replaced_in_place_and_put_back(site: Site, stack: Stack, newer: Image) -> None:
    old = Unikernel.objects.get(name="example-org-primary-1")
    upgrade = begin(site, stack, {"primary": newer})
    count, rookery = Unikernel.objects.count(), Actor.rookery()
    upgrade_passes.write_upgrade_phase(actor=rookery, upgrade=upgrade, phase="primary")
    now = Unikernel.objects.get(pk=old.pk)
    assert (now.image_id, now.name) == (newer.pk, old.name)
    assert now.addresses.get().address == parts(upgrade.before)["primary"]["address"]
    upgrades.roll_back(actor=site.owner, stack=stack)
    upgrade_passes.withdraw_upgrade_phase(actor=rookery, upgrade=upgrade, phase="primary")
    assert Unikernel.objects.get(pk=old.pk).image_id == old.image_id
    assert Unikernel.objects.count() == count


def test_a_resolver_that_another_stack_uses_stays_at_its_address(
    site: Site, stack: Stack, newer: Image
) -> None:
    address = parts(stack.release)["resolver"]["address"]  # type: ignore[arg-type]
    other = Domain.objects.create(organization=site.domain.organization, name="second.example")
    row = Stack.objects.get(pk=stack.pk)
    row.pk, row.domain = None, other
    row.public = site.machine.share.public_addresses.create(host=site.machine.host, address="192.0.2.26")
    row.save()
    row.release = Release.objects.create(
        stack=row, number=1, parts=[], services={"resolver": address}, made_by="x", made_at=NOW
    )
    row.save()
    seen = preview_upgrade(actor=site.owner, stack=stack, images={"resolver": newer})
    assert seen.following.in_place == {"resolver"}
    assert not seen.following.beside


def test_only_workers_walk(site: Site, stack: Stack, newer: Image) -> None:
    upgrade = begin(site, stack, {"verifier": newer})
    for act in (upgrade_passes.write_upgrade_phase, upgrade_passes.withdraw_upgrade_phase):
        with pytest.raises(Forbidden):
            act(actor=site.owner, upgrade=upgrade, phase=FLIP)
    assert Firewall.objects.count() == 1
