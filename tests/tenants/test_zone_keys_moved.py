"""The keys of a zone that was moved or let go: where they are written; none is forgotten too early."""

from __future__ import annotations

import pytest
from django.db.models import F

from tenants.actions import secondaries, tsig_keys, update_servers, zone_endings, zone_places, zone_proofs
from tenants.actor import Actor
from tenants.desired_zones import DesiredKeys, desired_keys
from tenants.formats.zones.names import Name
from tenants.models import Domain, SyncTarget, TsigKey, UpdateServer, Zone
from tenants.secrets import Opener
from tests.tenants.zoning import again, begin, connect
from tests.world import UPDATE_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    """With a key and a secondary that has one too, all of it proved."""
    zone = begin(alice, domain)
    assert zone.target.repository is not None
    tsig_keys.create_key(
        actor=alice, repository=zone.target.repository, zone=zone, used_by="le", right="update"
    )
    secondaries.add_secondary(actor=alice, zone=again(zone), host="ns6.gandi.example", address="127.0.0.40")
    for row in zone.record_sets.all():
        row.proved = row.digest
        row.save()
    prove(again(zone).target)
    return again(zone)


@pytest.fixture
def server(alice: Actor, domain: Domain) -> UpdateServer:
    return update_servers.connect_update_server(
        actor=alice, organization=domain.organization, name="ns1", address="9.9.9.9", key=UPDATE_KEY
    )


def prove(target: SyncTarget) -> None:
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=F("generation"))


def file_of(target: SyncTarget) -> DesiredKeys | None:
    found = desired_keys(SyncTarget.objects.get(pk=target.pk), Opener())
    return next((each for each in found if each.zone == Name.of("example.org")), None)


def test_another_repository_gets_the_keys_with_the_zone(alice: Actor, zone: Zone) -> None:
    before, there = zone.target, connect(alice, zone.domain, "other.git")
    known = file_of(before)
    assert known is not None
    assert len(known.keys) == 2
    zone_places.move_zone(actor=alice, zone=zone, repository=there)
    assert file_of(before) is None, "its file is left as it is, keys too"
    moved = file_of(there.sync_target)
    assert moved is not None
    assert set(moved.keys) == set(known.keys)
    assert {key.generation for key in zone.tsig_keys.all()} == {again(zone).generation}
    assert again(zone).secondaries.get().key in zone.tsig_keys.all()
    key = zone.tsig_keys.get(name__startswith="le.")
    tsig_keys.remove_key(actor=alice, key=key)
    told = file_of(there.sync_target)
    assert told is not None
    assert told.removed == {Name.of(key.name)}


def test_keys_wait_while_a_name_server_has_its_own(alice: Actor, zone: Zone, server: UpdateServer) -> None:
    home = zone.target
    stays = " ".join(zone_places.what_stays(zone))
    assert "2 keys of the zone in the key file of zone.git" in stays
    assert "ns6.gandi.example copy from there" in stays
    zone_places.move_zone(actor=alice, zone=zone, server=server)
    assert file_of(home) is None
    assert "key file" not in " ".join(zone_places.what_stays(again(zone)))
    there = connect(alice, zone.domain, "other.git")
    zone_places.move_zone(actor=alice, zone=again(zone), repository=there, even_so=True)
    found = file_of(there.sync_target)
    assert found is not None
    assert len(found.keys) == 2


def test_a_key_that_was_withdrawn_is_taken_out_once_the_zone_is_back(alice: Actor, zone: Zone) -> None:
    key = zone.tsig_keys.get(name__startswith="le.")
    tsig_keys.remove_key(actor=alice, key=key)
    zone_endings.let_go_zone(actor=alice, zone=again(zone))
    assert file_of(zone.target) is None
    rookery, target = Actor.rookery(), SyncTarget.objects.get(pk=zone.target_id)
    zone_proofs.forget_removed_keys(actor=rookery, target=target)  # a pass for other zones
    assert TsigKey.objects.filter(pk=key.pk).exists(), "its line still opens the zone"
    prove(target)
    zone_endings.bring_zone_back(actor=alice, zone=again(zone))
    back = again(zone)
    assert {each.generation for each in back.tsig_keys.all()} == {back.generation}
    found = file_of(back.target)
    assert found is not None
    assert found.removed == {Name.of(key.name)}
    zone_proofs.forget_removed_keys(actor=rookery, target=SyncTarget.objects.get(pk=zone.target_id))
    assert not TsigKey.objects.filter(pk=key.pk).exists()
