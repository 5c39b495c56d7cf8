"""What every target passes, for the zone repository: real git, real SSH, the sandbox's primary, real rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenants.actions import domains, record_sets, sync, tsig_keys, zones
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.formats.zones.data.simple import TXT
from tenants.formats.zones.keyfile import TsigKey as FileKey
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet
from tenants.models import Condition, Domain, Event, Organization, Run, SyncTarget, TsigKey, Zone
from tenants.zone_findings import outside_change
from tests.contract.zone_world import ZoneWorld, connected
from workers.controller import Ending
from workers.zone import Change, key_of, update

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fresh(alice: Actor, organization: Organization, tmp_path: Path) -> Iterator[ZoneWorld]:
    """Connected; the branch does not exist, and the primary knows no key."""
    with connected(alice, organization, tmp_path) as world:
        yield world


@pytest.fixture
def world(fresh: ZoneWorld) -> ZoneWorld:
    """The primary was restarted, and has read Rookery's key."""
    assert fresh.reconcile() is Ending.STOPPED
    fresh.running.restart()
    fresh.agree()
    return fresh


@pytest.fixture
def zone(world: ZoneWorld, alice: Actor, domain: Domain) -> Zone:
    zone = world.add_zone(alice, domain)
    world.agree()
    return world.again(zone)


def put(actor: Actor, zone: Zone, *changes: RecordChange) -> None:
    record_sets.change_record_sets(actor=actor, zone=zone, changes=changes)


MAIL = (RecordChange("@", "MX", ("10 mail",)), RecordChange("mail", "A", ("192.0.2.25",)))


def told(world: ZoneWorld, kind: str) -> Condition:
    return world.target.conditions.get(type=kind)


# the way to the first proof --------------------------------------------------------------------------


def test_a_primary_that_does_not_know_our_key_is_restarted_once(fresh: ZoneWorld) -> None:
    assert fresh.reconcile() is Ending.STOPPED
    assert fresh.target.stop_code == "key-not-known"
    assert fresh.running.repository.names() == {"_keys"}
    fresh.running.restart()
    fresh.agree()


def test_nothing_is_published_before_ownership_was_proved(
    world: ZoneWorld, alice: Actor, domain: Domain
) -> None:
    zones.create_zone(actor=alice, domain=domain, repository=world.repository)
    world.agree()
    assert world.running.repository.names() == {"_keys"}
    assert told(world, "Unproved").details["zones"] == ["example.org"]
    assert world.ask("example.org", "SOA") == ["NOTAUTH"]


def test_written_served_and_proved(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]
    assert world.ask("mail.example.org", "A") == ["192.0.2.25"]
    zone = world.again(zone)
    assert zone.served_serial == zone.serial == world.serial("example.org")
    assert zone.generation <= world.target.observed_generation
    run = world.target.runs.latest("pk")
    evidence = {fact.name: fact.value for fact in run.evidence.all()}
    assert evidence["Commit"] == world.running.repository.tip()
    assert evidence["Serial of example.org"] == str(zone.serial)
    message = world.running.repository.last("%B")
    assert "Asked-by: Alice" in message
    assert f"Rookery-Generation: {world.target.generation}" in message


def test_plan_of_agreement_is_empty_and_makes_no_commit(world: ZoneWorld, zone: Zone) -> None:
    tip, runs, pulls = world.running.repository.tip(), Run.objects.count(), world.running.pulls
    for _ in range(3):
        world.agree()
    assert (world.running.repository.tip(), Run.objects.count(), world.running.pulls) == (tip, runs, pulls)


def test_many_changes_arrive_in_one_commit_and_one_pull(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    before, pulls = world.running.repository.tip(), world.running.pulls
    put(alice, zone, *MAIL, RecordChange("www", "CNAME", ("mail",)))
    put(alice, zone, RecordChange("@", "TXT", ("v=spf1 mx -all",)))
    world.agree()
    assert world.running.repository.git("rev-list", "--count", f"{before}..main").strip() == "1"
    assert world.running.pulls == pulls + 1
    assert world.ask("www.example.org", "CNAME") == ["mail.example.org."]


def test_a_removed_set_is_gone_and_its_row_too(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    put(alice, zone, RecordChange("@", "MX"))
    assert zone.record_sets.get(type="MX").absent
    world.agree()
    assert world.ask("example.org", "MX") == []
    assert not zone.record_sets.filter(type="MX").exists()


def test_no_secret_reaches_a_row(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    new = tsig_keys.create_key(
        actor=alice, repository=world.repository, zone=zone, used_by="letsencrypt", right="update"
    )
    world.agree()
    run = world.target.runs.latest("pk")
    rows = [str(run.plan), run.title, run.advice, *(f"{s.detail}{s.log}" for s in run.steps.all())]
    rows += [f"{event.before}{event.after}{event.sentence}" for event in Event.objects.all()]
    rows += [f"{each.message}{each.details}" for each in Condition.objects.all()]
    assert new.secret in world.running.repository.show("example.org._keys"), "it did arrive outside"
    assert not any(new.secret[:10] in row for row in rows)


# what others write ------------------------------------------------------------------------------------


def machine_key(world: ZoneWorld, owner: Actor, zone: Zone) -> FileKey:
    """A key with which a unikernel changes records, known to the primary."""
    new = tsig_keys.create_key(
        actor=owner, repository=world.repository, zone=zone, used_by="signer", right="update"
    )
    world.agree()
    return key_of(new.row.name, "SHA256", new.secret)


def machine_writes(world: ZoneWorld, key: FileKey, owner: str, text: str, *, before: str = "") -> None:
    """What a unikernel does: a signed dynamic update."""
    name = Name.of(owner)
    there = (bytes([len(before)]) + before.encode(),) if before else ()
    change = Change(name, "TXT", before=there, after=RecordSet(name, 3600, [TXT(text.encode())]))
    update(world.running.server, Name.of("example.org"), key, [change])


def test_what_unikernels_write_survives_every_edit(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    key = machine_key(world, alice, zone)
    machine_writes(world, key, "sel._domainkey.example.org", "v=DKIM1; p=abc")
    put(alice, zone, *MAIL)
    world.agree()
    put(alice, zone, RecordChange("www", "A", ("192.0.2.80",)))
    world.agree()
    assert world.ask("sel._domainkey.example.org", "TXT") == ['"v=DKIM1; p=abc"']
    assert world.ask("www.example.org", "A") == ["192.0.2.80"]
    row = zone.record_sets.get(owner="sel._domainkey.example.org")
    assert (row.holder, row.data) == ("external", ['"v=DKIM1; p=abc"'])


def test_an_update_whose_push_was_lost_is_merged(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    """Between our look and our NOTIFY the primary takes an update that git refuses: it is not lost."""
    put(alice, zone, *MAIL)
    repository = world.running.repository
    original = world.kind.commit

    def commit_and_lose(*given: Any, **named: Any) -> Any:
        made = original(*given, **named)
        world.kind.commit = original  # type: ignore[method-assign]
        machine_writes(world, key, "late.example.org", "late")
        return made

    key = machine_key(world, alice, zone)
    put(alice, zone, RecordChange("www", "A", ("192.0.2.80",)))
    world.kind.commit = commit_and_lose  # type: ignore[method-assign]
    assert world.reconcile() is Ending.RETRY
    SyncTarget.objects.update(next_try_at=world.target.marked_at)
    world.agree()
    assert world.ask("late.example.org", "TXT") == ['"late"']
    assert world.ask("www.example.org", "A") == ["192.0.2.80"]
    assert "late" in repository.show("example.org")


def test_drift_is_reported_and_repaired_on_request(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    by_hand(world, "192.0.2.25", "192.0.2.99")
    world.agree()
    assert told(world, "Drifted").status
    assert world.ask("mail.example.org", "A") == ["192.0.2.99"], "it was served, as somebody wanted"
    sync.change_drift_mode(actor=alice, target=world.target, mode="repair")
    world.agree()
    assert world.ask("mail.example.org", "A") == ["192.0.2.25"]
    assert not told(world, "Drifted").status
    sync.change_drift_mode(actor=alice, target=world.target, mode="report")
    by_hand(world, "192.0.2.25", "192.0.2.98", ahead=120)
    world.agree()
    tip = world.running.repository.tip()
    put(alice, zone, outside_change(zone, "mail.example.org A"))
    world.agree()
    assert zone.record_sets.get(owner="mail.example.org").data == ["192.0.2.98"]
    assert not told(world, "Drifted").status
    assert world.running.repository.tip() == tip, "nothing to write: it was taken as it was there"


def test_drift_is_adopted_where_that_is_the_mode(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    sync.change_drift_mode(actor=alice, target=world.target, mode="adopt")
    by_hand(world, "192.0.2.25", "192.0.2.99")
    tip = world.running.repository.tip()
    world.agree()
    assert zone.record_sets.get(owner="mail.example.org").data == ["192.0.2.99"]
    assert world.running.repository.tip() == tip, "nothing to write: it was only not taken up"
    assert world.ask("mail.example.org", "A") == ["192.0.2.99"]
    world.agree()
    assert not told(world, "Drifted").status


def by_hand(world: ZoneWorld, old: str, new: str, ahead: int = 60) -> None:
    """Somebody edits the file, raises the serial, and pushes."""
    repository = world.running.repository
    files = {name: repository.show(name) for name in repository.names()}
    serial = repository.serial()
    text = files["example.org"].replace(old, new).replace(f"\t{serial}\t", f"\t{serial + 1}\t")
    assert text != files["example.org"]
    # Our commits may be dated a second ahead of each other; one dated before them is not pulled.
    repository.commit(files | {"example.org": text}, when=int(time.time()) + ahead)


def test_a_conflict_leaves_that_set_and_writes_the_others(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    by_hand(world, "192.0.2.25", "192.0.2.99")
    put(alice, zone, RecordChange("mail", "A", ("192.0.2.26",)), RecordChange("www", "A", ("192.0.2.80",)))
    world.agree()
    assert told(world, "Conflicted").status
    assert world.ask("mail.example.org", "A") == ["192.0.2.99"]
    assert world.ask("www.example.org", "A") == ["192.0.2.80"]


def test_foreign_files_and_keys_are_kept(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    repository = world.running.repository
    files = {name: repository.show(name) for name in repository.names()}
    foreign = "; by hand\nold._update. DNSKEY 0 3 163 YW5vdGhlciBzZWNyZXQgb2YgYnl0ZXM=\n"
    repository.commit(
        files
        | {"other.net": "$ORIGIN other.net.\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"}
        | {"_keys": files["_keys"] + foreign}
    )
    tsig_keys.create_key(
        actor=alice, repository=world.repository, zone=None, used_by="second", right="notify"
    )
    put(alice, zone, *MAIL)
    world.agree()
    assert repository.names() == {"_keys", "example.org", "other.net"}
    assert foreign in repository.show("_keys")
    assert "second._notify." in repository.show("_keys")
    assert world.target.findings.get(unit="other.net").kind == "foreign"


# what goes wrong ---------------------------------------------------------------------------------------


def test_a_zone_that_the_primary_drops_comes_back_at_once(
    world: ZoneWorld, alice: Actor, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should our own rules ever be wrong: back to what was served, and never again the same content."""
    monkeypatch.setattr("workers.zone_plan.decide.check_zone", lambda *given: ())
    monkeypatch.setattr("tenants.zone_contents.check_zone", lambda *given: ())
    before = world.serial("example.org")
    put(alice, zone, RecordChange("@", "MX", ("10 nowhere",)))
    assert world.reconcile() is Ending.STOPPED
    assert world.target.stop_code == "zone-dropped"
    assert world.serial("example.org") > before
    assert "MX" not in world.running.repository.show("example.org")
    tip = world.running.repository.tip()
    assert world.reconcile() is Ending.AGREED
    assert world.running.repository.tip() == tip, "the same content is not sent again"
    assert told(world, "UnsafeEntries").status
    put(alice, zone, *MAIL)
    world.agree()
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]


def test_a_primary_that_is_away_gets_it_later(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    world.running._loop.call(world.running.primary.stop())
    put(alice, zone, *MAIL)
    assert world.reconcile() is Ending.RETRY
    assert "mail" in world.running.repository.show("example.org"), "git has it"
    world.running.restart()
    SyncTarget.objects.update(next_try_at=world.target.marked_at)
    world.agree()
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]


def test_a_pass_that_was_killed_after_the_push_goes_on(
    world: ZoneWorld, alice: Actor, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(alice, zone, *MAIL)
    monkeypatch.setattr("workers.targets.zone_primary.Primary.notify", lambda *given: 1 / 0)
    assert world.reconcile() is Ending.BUG
    monkeypatch.undo()
    SyncTarget.objects.update(next_try_at=world.target.marked_at)
    tip = world.running.repository.tip()
    world.agree()
    assert world.running.repository.tip() == tip
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]


def test_a_commit_that_the_primary_cannot_pull_is_followed_by_one_that_it_can(
    world: ZoneWorld, alice: Actor, zone: Zone
) -> None:
    """Dated before what it has, a fetch dies there, and a NOTIFY is answered with NOERROR all the same."""
    put(alice, zone, *MAIL)
    world.agree()
    by_hand(world, "192.0.2.1\n", "192.0.2.2\n", ahead=-3600)
    for _ in range(2):
        assert world.reconcile() is Ending.RETRY
        assert world.target.runs.latest("pk").outcome == "not-taken-up"
        SyncTarget.objects.update(next_try_at=world.target.marked_at)
    world.agree()
    assert world.ask("ns1.example.org", "A") == ["192.0.2.2"]


def test_a_frozen_zone_is_left_as_it_is(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    world.agree()
    zones.freeze_zone(actor=alice, zone=world.again(zone), frozen=True)
    by_hand(world, "192.0.2.25", "192.0.2.99")
    tip = world.running.repository.tip()
    world.agree()
    assert world.running.repository.tip() == tip


def test_two_zones_of_one_organization_live_in_one_repository(
    world: ZoneWorld, alice: Actor, organization: Organization, zone: Zone
) -> None:
    second = world.add_zone(
        alice, domains.create_domain(actor=alice, organization=organization, name="example.net")
    )
    pulls = world.running.pulls
    put(alice, second, *MAIL)
    put(alice, world.again(zone), *MAIL)
    world.agree()
    assert world.running.pulls == pulls + 1
    assert world.ask("example.net", "MX") == ["10 mail.example.net."]
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]


# keys -------------------------------------------------------------------------------------------------


def test_rotation_keeps_both_keys_until_one_is_removed(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    old = tsig_keys.create_key(
        actor=alice, repository=world.repository, zone=zone, used_by="personal", right="update"
    )
    world.agree()
    new = tsig_keys.rotate_key(actor=alice, key=old.row)
    world.agree()
    text = world.running.repository.show("example.org._keys")
    assert "personal._update.example.org." in text
    assert "personal-2._update.example.org." in text
    tsig_keys.remove_key(actor=alice, key=TsigKey.objects.get(pk=old.row.pk))
    world.agree()
    text = world.running.repository.show("example.org._keys")
    assert "personal._update" not in text
    assert new.secret in text
    assert not TsigKey.objects.filter(pk=old.row.pk).exists()


def test_rookerys_own_key_is_rotated_by_itself(world: ZoneWorld, alice: Actor, zone: Zone) -> None:
    own = TsigKey.objects.get(own=True)
    tsig_keys.rotate_key(actor=alice, key=own)
    world.agree()
    tsig_keys.remove_key(actor=alice, key=TsigKey.objects.get(pk=own.pk))
    world.agree()
    put(alice, zone, *MAIL)
    world.agree()
    assert world.ask("example.org", "MX") == ["10 mail.example.org."]
    assert own.name not in world.running.repository.show("_keys")
