"""Moving a zone: what is carried, what stays outside and is said, what is refused, and undoing it."""

from __future__ import annotations

import pytest

from tenants.actions import undo, update_servers, zone_places, zones
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Invalid
from tenants.models import Domain, Event, RecordSet, SyncTarget, UpdateServer, Zone
from tests.tenants.zoning import MAIL, again, begin, connect, others_wrote, put
from tests.world import UPDATE_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(alice: Actor, domain: Domain) -> UpdateServer:
    return update_servers.connect_update_server(
        actor=alice, organization=domain.organization, name="ns1", address="9.9.9.9", key=UPDATE_KEY
    )


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    """With sets of every kind, all of it proved."""
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    others_wrote(zone, "shop.example.org", "A", "192.0.2.81")
    others_wrote(zone, "s1._domainkey.example.org", "TXT", '"v=DKIM1; p=abc"')
    prove(zone)
    return again(zone)


def prove(zone: Zone) -> None:
    for row in zone.record_sets.all():
        RecordSet.objects.filter(pk=row.pk).update(proved=row.digest)
    SyncTarget.objects.filter(pk=again(zone).target_id).update(observed_generation=again(zone).generation)


def test_what_others_wrote_is_taken_along_and_unikernels_write_theirs_again(
    alice: Actor, zone: Zone, server: UpdateServer
) -> None:
    put(alice, zone, RecordChange("old", "A", ("192.0.2.7",)))
    put(alice, again(zone), RecordChange("old", "A"))
    prove(zone)
    before = {row.owner for row in zone.record_sets.filter(absent=False)}
    stays = zone_places.what_stays(again(zone))
    moved = zone_places.move_zone(actor=alice, zone=again(zone), server=server)
    assert (moved.target, moved.served_at) == (server.sync_target, None)
    rows = list(again(zone).record_sets.all())
    assert {row.owner for row in rows} == before - {"s1._domainkey.example.org"}
    assert {(row.holder, row.proved, row.generation) for row in rows} == {("managed", "", moved.generation)}
    assert stays[0].startswith("zone.git keeps the zone's file")
    assert any("s1._domainkey.example.org TXT: unikernels write these themselves" in each for each in stays)
    event = Event.objects.get(verb="move_zone")
    assert event.after["stays"] == stays
    assert event.after["taken"] == 1
    old = SyncTarget.objects.get(repository__path="zone.git")
    assert old.generation > old.observed_generation, "it is looked at, and shows a file that is not ours"


def test_what_others_wrote_can_be_left_behind(alice: Actor, zone: Zone, server: UpdateServer) -> None:
    zone_places.move_zone(actor=alice, zone=zone, server=server, take_along=False)
    assert not again(zone).record_sets.filter(owner="shop.example.org").exists()


def test_back_again_by_undoing(alice: Actor, zone: Zone, server: UpdateServer) -> None:
    home = zone.target
    zone_places.move_zone(actor=alice, zone=zone, server=server)
    undo.undo_event(actor=alice, event=Event.objects.get(verb="move_zone"))
    assert again(zone).target == home
    assert Event.objects.filter(verb="move_zone").count() == 2


def test_what_is_on_its_way_is_not_lost_by_a_move(alice: Actor, zone: Zone, server: UpdateServer) -> None:
    put(alice, zone, RecordChange("www", "A", ("192.0.2.80",)))
    with pytest.raises(Conflict, match=r"was not proved at zone\.git"):
        zone_places.move_zone(actor=alice, zone=again(zone), server=server)
    moved = zone_places.move_zone(actor=alice, zone=again(zone), server=server, even_so=True)
    assert moved.record_sets.filter(owner="www.example.org").exists()


def test_what_the_new_place_could_not_hold_is_refused_with_the_reason(
    alice: Actor, zone: Zone, server: UpdateServer
) -> None:
    zone_places.move_zone(actor=alice, zone=zone, server=server)
    others_wrote(again(zone), "null.example.org", "MX", "0 .")  # the primary writes a null MX back unreadably
    prove(zone)
    before = list(RecordSet.objects.order_by("pk").values())
    repository = connect(alice, zone.domain, "other.git")
    with pytest.raises(Invalid) as refused:
        zone_places.move_zone(actor=alice, zone=again(zone), repository=repository)
    assert {each.field for each in refused.value.problems} == {"zone"}
    assert list(RecordSet.objects.order_by("pk").values()) == before
    assert again(zone).target == server.sync_target
    zone_places.move_zone(actor=alice, zone=again(zone), repository=repository, take_along=False)


def test_places_that_are_none(alice: Actor, charlie: Actor, zone: Zone, server: UpdateServer) -> None:
    with pytest.raises(Conflict, match="already"):
        zone_places.move_zone(actor=alice, zone=zone, repository=zone.target.repository)
    with pytest.raises(Invalid):
        zone_places.move_zone(actor=alice, zone=zone)
    with pytest.raises(Absent):
        zone_places.move_zone(actor=charlie, zone=zone, server=server)
    zones.freeze_zone(actor=alice, zone=zone, frozen=True)
    with pytest.raises(Conflict, match="frozen"):
        zone_places.move_zone(actor=alice, zone=again(zone), server=server)


def test_a_server_that_holds_nothing_is_let_go(alice: Actor, zone: Zone, server: UpdateServer) -> None:
    home = zone.target.repository
    zone_places.move_zone(actor=alice, zone=zone, server=server)
    with pytest.raises(Conflict, match=r"ns1 holds example\.org"):
        zone_places.disconnect_update_server(actor=alice, server=server)
    zone_places.move_zone(actor=alice, zone=again(zone), repository=home, even_so=True)
    place = SyncTarget.objects.get(update_server=server)
    gone = UpdateServer.objects.select_related("sync_target").get(pk=server.pk)
    zone_places.disconnect_update_server(actor=alice, server=server)
    assert not SyncTarget.objects.filter(pk=place.pk).exists()
    with pytest.raises(Absent):  # who had its page open
        zone_places.move_zone(actor=alice, zone=again(zone), server=gone, even_so=True)
    told = "".join(f"{each.before}{each.after}" for each in Event.objects.all())
    assert "QUJDQUJD" not in told
    with pytest.raises(Conflict, match="not connected any more"):
        undo.undo_event(actor=alice, event=Event.objects.filter(verb="move_zone").order_by("pk")[1])
