"""Zones: what the actions take, what they refuse and why, and what they mark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tenants.actions import (
    domains,
    organizations,
    record_sets,
    secondaries,
    tsig_keys,
    undo,
    zone_proofs,
    zones,
)
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.formats.zones.names import Name
from tenants.formats.zones.record_set import RecordSet as Records
from tenants.formats.zones.stored import (
    owner_text,
    set_digest,
    stored_set,
    stored_texts,
    typed_data,
    typed_owner,
)
from tenants.models import Domain, Event, Organization, RecordSet, SyncTarget, TsigKey, Zone
from tests.tenants.zoning import MAIL, again, begin, connect, others_wrote, put

pytestmark = pytest.mark.django_db
ORIGIN = Name.of("example.org")


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    return begin(alice, domain)


# beginning ---------------------------------------------------------------------------------------------


def test_a_zone_begins_with_its_name_server(zone: Zone) -> None:
    rows = {(row.owner, row.type): row.data for row in zone.record_sets.all()}
    assert rows == {("example.org", "NS"): ["ns1.example.org."], ("ns1.example.org", "A"): ["192.0.2.1"]}
    assert zone.contact == "hostmaster@example.org"
    assert zone.generation == zone.target.generation


def test_a_name_server_elsewhere_needs_no_address(alice: Actor, domain: Domain) -> None:
    zone = zones.create_zone(
        actor=alice, domain=domain, repository=connect(alice, domain), first_server="ns1.home.example"
    )
    assert [row.type for row in zone.record_sets.all()] == ["NS"]


def test_one_zone_for_a_domain(alice: Actor, domain: Domain, zone: Zone) -> None:
    with pytest.raises(Conflict, match="has a zone already"):
        zones.create_zone(actor=alice, domain=domain, repository=zone.target.repository)


def test_not_in_a_repository_of_somebody_else(alice: Actor, charlie: Actor, domain: Domain) -> None:
    other = Organization.objects.get(name="Difference Works")
    foreign = connect(charlie, domains.create_domain(actor=charlie, organization=other, name="works.example"))
    with pytest.raises(Absent):
        zones.create_zone(actor=alice, domain=domain, repository=foreign)


def test_above_or_below_a_zone_of_another_organization(
    alice: Actor, olga: Actor, domain: Domain, zone: Zone
) -> None:
    """Domains are kept apart when they are added; a handed-over one is stopped here."""
    other = organizations.create_organization(actor=Actor.rookery(), name="Third")
    below = Domain.objects.create(organization=other, name="sub.example.org")
    with pytest.raises(Invalid, match="another organization"):
        zones.create_zone(actor=olga, domain=below, repository=connect(olga, below, "third.git"))


@pytest.mark.parametrize("contact", ["nobody", "a.b@example.org", "@example.org", "x y@example.org", "a@b@c"])
def test_contacts_that_no_soa_can_say(alice: Actor, zone: Zone, contact: str) -> None:
    with pytest.raises(Invalid) as refused:
        zones.change_soa(actor=alice, zone=zone, contact=contact)
    assert {each.field for each in refused.value.problems} == {"contact"}


def test_the_soa_is_changed_and_set_back(alice: Actor, zone: Zone) -> None:
    zones.change_soa(actor=alice, zone=zone, minimum=300, contact="dns@example.org")
    event = Event.objects.get(verb="change_soa")
    assert event.before["minimum"] == 3600
    undo.undo_event(actor=alice, event=event)
    zone = again(zone)
    assert (zone.minimum, zone.contact) == (3600, "hostmaster@example.org")
    with pytest.raises(Invalid):
        zones.change_soa(actor=alice, zone=zone, refresh=2**31)


# record sets ---------------------------------------------------------------------------------------------


def test_changes_are_made_together_or_not_at_all(alice: Actor, zone: Zone) -> None:
    before = zone.target.generation
    put(alice, zone, *MAIL)
    assert SyncTarget.objects.get(pk=zone.target_id).generation == before + 1
    rows = list(zone.record_sets.values("owner", "type", "data", "ttl"))
    with pytest.raises(Invalid) as refused:
        put(alice, again(zone), RecordChange("www", "A", ("192.0.2.80",)), RecordChange("x", "A", ("no",)))
    assert [each.field for each in refused.value.problems] == ["changes[1].records"]
    assert list(zone.record_sets.values("owner", "type", "data", "ttl")) == rows


def test_an_exchanger_needs_its_address(alice: Actor, zone: Zone) -> None:
    with pytest.raises(Invalid, match=r"mail\.example\.org has none in this zone") as refused:
        put(alice, zone, MAIL[0])
    assert refused.value.problems[0].field == "records"
    put(alice, zone, *MAIL)
    with pytest.raises(Invalid, match="needs an address"):
        record_sets.delete_record_set(actor=alice, zone=again(zone), owner="mail", record_type="A")
    put(alice, again(zone), RecordChange("@", "MX"), RecordChange("mail", "A"))


@pytest.mark.parametrize(
    ("owner", "kind", "text", "says"),
    [
        ("@", "MX", "0 .", "null MX"),
        ("@", "TXT", 'say "hi"', "quotation mark"),
        ("@", "TXT", "a\\b", "backslash"),
        ("@", "TXT", '"a\\"b"', "quotation mark|backslash"),
        ("www", "CNAME", ".", "only a dot"),
        ("@", "CNAME", "www", "cannot be an alias"),
        ("x", "AAAA", "::ffff:192.0.2.1", "IPv4 address written as IPv6"),
        ("x", "A", "192.0.2", "not the data of a A record"),
        ("x", "SPF", "v=spf1 -all", "given up"),
        ("x", "SOA", "ns1 h 1 2 3 4 5", "no type of a record"),
        ("x..y", "A", "192.0.2.1", "is no name"),
        ("ä", "A", "192.0.2.1", "beyond ASCII"),
        ("host.other.net.", "A", "192.0.2.1", "lies outside"),
        ("_acme-challenge", "TXT", "x", "written by a unikernel"),
        ("sel._domainkey", "TXT", "v=DKIM1", "written by a unikernel"),
        ("_letsencrypt._tcp", "TLSA", "3 255 0 00", "written by a unikernel"),
        ("x", "A", "", "says nothing"),
        ("x", "A", "192.0.2.1\n192.0.2.2", "line break|control"),
        ("x", "DNSKEY", "256 3 8 AAAA", "."),
    ],
)
def test_what_the_primary_would_corrupt_is_refused_with_its_fix(
    alice: Actor, zone: Zone, owner: str, kind: str, text: str, says: str
) -> None:
    rows = zone.record_sets.count()
    with pytest.raises(Invalid, match=says) as refused:
        put(alice, zone, RecordChange(owner, kind, (text,)))
    assert all(each.fix for each in refused.value.problems)
    assert zone.record_sets.count() == rows


LINES = ("a\nb", "a\r\nb", "a\rb", "a\u2028b", "a\x85b")


@pytest.mark.parametrize("text", LINES)
@pytest.mark.parametrize("field", ["owner", "record_type", "records", "contact", "secondary", "key"])
def test_no_line_break_gets_into_anything_that_becomes_a_line(
    alice: Actor, zone: Zone, field: str, text: str
) -> None:
    repository = zone.target.repository
    assert repository is not None
    acts: dict[str, Callable[[], object]] = {
        "owner": lambda: put(alice, zone, RecordChange(text, "A", ("192.0.2.1",))),
        "record_type": lambda: put(alice, zone, RecordChange("x", text, ("192.0.2.1",))),
        "records": lambda: put(alice, zone, RecordChange("x", "TXT", (text,))),
        "contact": lambda: zones.change_soa(actor=alice, zone=zone, contact=f"{text}@example.org"),
        "secondary": lambda: secondaries.add_secondary(
            actor=alice, zone=zone, host=text, address="192.0.2.7", transfer="open"
        ),
        "key": lambda: tsig_keys.create_key(
            actor=alice, repository=repository, zone=zone, used_by=text, right="update"
        ),
    }
    before = zone.target.generation
    with pytest.raises(Invalid) as refused:
        acts[field]()
    assert all(each.field and each.problem and each.fix for each in refused.value.problems)
    assert not any(set("\n\r\u2028\x85") & set(each.problem) for each in refused.value.problems)
    assert again(zone).target.generation == before


def test_a_long_text_is_one_string_of_what_was_given(alice: Actor, zone: Zone) -> None:
    put(alice, zone, RecordChange("long", "TXT", ("k" * 900,)))
    assert zone.record_sets.get(type="TXT").data == [f'"{"k" * 900}"']


def test_an_alias_stands_alone_whichever_came_first(alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    with pytest.raises(Invalid, match="is an alias and has other records too"):
        put(alice, again(zone), RecordChange("mail", "CNAME", ("ns1",)))
    put(alice, again(zone), RecordChange("www", "CNAME", ("mail",)))
    with pytest.raises(Invalid, match="is an alias and has other records too"):
        put(alice, again(zone), RecordChange("www", "TXT", ("beside",)))


def test_many_types_are_taken(alice: Actor, zone: Zone) -> None:
    put(
        alice,
        zone,
        *MAIL,
        RecordChange("www", "CNAME", ("mail",)),
        RecordChange("@", "TXT", ("v=spf1 mx -all", "two words")),
        RecordChange("@", "CAA", ('0 issue "letsencrypt.org"',)),
        RecordChange("_sip._udp", "SRV", ("0 5 5060 mail",)),
        RecordChange("_443._tcp", "TLSA", ("3 1 1 " + "ab" * 32,)),
        RecordChange("mail", "AAAA", ("2001:db8::25",), 300),
        RecordChange("web", "HTTPS", ("1 mail alpn=h2",)),
        RecordChange("n", "NAPTR", ('100 10 "u" "sip" "" mail',)),
        RecordChange("*.w", "A", ("192.0.2.7",)),
    )
    kinds = set(zone.record_sets.values_list("type", flat=True))
    assert {"TYPE35", "HTTPS", "TLSA", "SRV", "CAA"} <= kinds
    row = zone.record_sets.get(type="TXT")
    assert sorted(row.data) == ['"two words"', '"v=spf1 mx -all"']


def test_the_old_primary_is_written_less(alice: Actor, zone: Zone) -> None:
    primary = zone.target.repository.primary
    primary.grammar = "old"
    primary.save()
    with pytest.raises(Invalid, match=r"6\.4\.1"):
        put(alice, again(zone), *MAIL, RecordChange("web", "HTTPS", ("1 mail alpn=h2",)))


def test_what_others_wrote_is_kept_until_it_is_taken_over(alice: Actor, zone: Zone) -> None:
    others_wrote(zone, "old.example.org", "A", "192.0.2.9")
    for change in (RecordChange("old", "A", ("192.0.2.10",)), RecordChange("old", "A")):
        with pytest.raises(Invalid, match="Take it over first"):
            put(alice, zone, change)
    put(alice, zone, RecordChange("old", "A", take_over=True))
    put(alice, again(zone), RecordChange("old", "A", ("192.0.2.10",)))
    row = zone.record_sets.get(owner="old.example.org")
    assert (row.holder, row.data, row.absent) == ("managed", ["192.0.2.10"], False)


def test_each_set_has_its_event_and_its_undo(alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    put(alice, again(zone), RecordChange("mail", "A", ("192.0.2.26",), 60))
    events = {event.subject: event for event in Event.objects.filter(verb="set_record_set").order_by("pk")}
    assert events["mail.example.org A"].before == {"ttl": 3600, "data": ["192.0.2.25"]}
    undo.undo_event(actor=alice, event=events["mail.example.org A"])
    row = zone.record_sets.get(owner="mail.example.org")
    assert (row.ttl, row.data) == (3600, ["192.0.2.25"])
    put(alice, again(zone), RecordChange("@", "MX"))
    removed = Event.objects.get(verb="delete_record_set")
    undo.undo_event(actor=alice, event=removed)
    assert not zone.record_sets.get(type="MX").absent


def test_the_same_again_changes_nothing(alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    events = Event.objects.count()
    put(alice, again(zone), *MAIL)
    assert Event.objects.count() == events


def test_frozen_sets_and_zones_are_not_changed(alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    record_sets.freeze_record_set(actor=alice, zone=again(zone), owner="mail", record_type="A", frozen=True)
    with pytest.raises(Invalid, match="Unfreeze it first"):
        put(alice, again(zone), RecordChange("mail", "A", ("192.0.2.26",)))
    undo.undo_event(actor=alice, event=Event.objects.get(verb="freeze_record_set"))
    put(alice, again(zone), RecordChange("mail", "A", ("192.0.2.26",)))
    zones.freeze_zone(actor=alice, zone=again(zone), frozen=True)
    with pytest.raises(Conflict, match="is frozen"):
        put(alice, again(zone), RecordChange("mail", "A", ("192.0.2.27",)))


def test_a_change_twice_is_no_change(alice: Actor, zone: Zone) -> None:
    with pytest.raises(Invalid, match="changed twice"):
        put(
            alice,
            zone,
            RecordChange("a", "A", ("192.0.2.1",)),
            RecordChange("A.example.org.", "a", ("192.0.2.2",)),
        )
    for changes in ([], [RecordChange("a", "A", ("192.0.2.1",))] * (record_sets.MOST_CHANGES + 1)):
        with pytest.raises(Invalid, match="changes"):
            record_sets.change_record_sets(actor=alice, zone=zone, changes=changes)


# keys and servers -----------------------------------------------------------------------------------------


def test_a_key_says_its_right_and_keeps_its_secret(alice: Actor, zone: Zone) -> None:
    new = tsig_keys.create_key(
        actor=alice, repository=zone.target.repository, zone=zone, used_by="LetsEncrypt", right="update"
    )
    assert new.row.name == "letsencrypt._update.example.org"
    assert new.unikernel_string() == f"letsencrypt._update.example.org:SHA256:{new.secret}"
    assert new.secret not in repr(new)
    assert new.secret.encode() not in bytes(new.row.sealed_secret)
    with pytest.raises(Conflict, match="There is a key"):
        tsig_keys.create_key(
            actor=alice, repository=zone.target.repository, zone=zone, used_by="letsencrypt", right="update"
        )
    for used_by in ("a.b", "-x", "", "ä", "x" * 41):
        with pytest.raises(Invalid):
            tsig_keys.create_key(
                actor=alice, repository=zone.target.repository, zone=zone, used_by=used_by, right="notify"
            )


def test_a_key_goes_only_after_its_successor_came(alice: Actor, zone: Zone) -> None:
    old = tsig_keys.create_key(
        actor=alice, repository=zone.target.repository, zone=zone, used_by="personal", right="update"
    ).row
    new = tsig_keys.rotate_key(actor=alice, key=old).row
    assert new.name == "personal-2._update.example.org"
    with pytest.raises(Conflict, match="successor already"):
        tsig_keys.rotate_key(actor=alice, key=old)
    with pytest.raises(Conflict, match="not reached the primary"):
        tsig_keys.remove_key(actor=alice, key=old)
    target = SyncTarget.objects.get(pk=zone.target_id)
    SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation)
    tsig_keys.remove_key(actor=alice, key=TsigKey.objects.get(pk=old.pk))
    assert TsigKey.objects.get(pk=old.pk).removed


def test_rookerys_own_key_is_not_simply_removed(alice: Actor, zone: Zone) -> None:
    with pytest.raises(Conflict, match="Rotate it instead"):
        tsig_keys.remove_key(actor=alice, key=TsigKey.objects.get(own=True))


def test_a_secondary_comes_and_goes_with_its_records(alice: Actor, zone: Zone) -> None:
    server, new = secondaries.add_secondary(
        actor=alice, zone=zone, host="ns6.gandi.example", address="127.0.0.40"
    )
    assert new is not None
    assert new.row.name == "127.0.0.53.127.0.0.40._transfer.example.org"
    servers = zone.record_sets.get(type="NS")
    assert sorted(servers.data) == ["ns1.example.org.", "ns6.gandi.example."]
    assert zone.record_sets.get(owner="ns6.gandi.example").data == ["127.0.0.40"]
    with pytest.raises(Conflict, match="Remove that server first"):
        tsig_keys.remove_key(actor=alice, key=TsigKey.objects.get(pk=new.row.pk))
    secondaries.remove_secondary(actor=alice, server=server)
    assert zone.record_sets.get(type="NS").data == ["ns1.example.org."]
    assert zone.record_sets.get(owner="ns6.gandi.example").absent
    assert TsigKey.objects.get(pk=new.row.pk).removed


# what workers record ------------------------------------------------------------------------------------


def test_only_workers_record(alice: Actor, zone: Zone) -> None:
    for act in (
        lambda: zone_proofs.record_ownership(actor=alice, zone=zone, how="text"),
        lambda: zone_proofs.record_zones(actor=alice, target=zone.target, zones={}),
        lambda: zone_proofs.adopt_record_sets(actor=alice, target=zone.target, zones={}),
        lambda: zone_proofs.record_dropped(actor=alice, zone_id=zone.pk, dropped="x"),
        lambda: zone_proofs.forget_removed_keys(actor=alice, target=zone.target),
    ):
        with pytest.raises(Forbidden):
            act()


def test_ownership_is_proved_once(alice: Actor, domain: Domain) -> None:
    zone = zones.create_zone(actor=alice, domain=domain, repository=connect(alice, domain))
    assert not zone_proofs.record_ownership(actor=Actor.rookery(), zone=zone, how="", problem="Nothing.")
    assert again(zone).look_problem == "Nothing."
    zones.look_for_ownership(actor=alice, zone=again(zone))
    assert zone_proofs.record_ownership(actor=Actor.rookery(), zone=again(zone), how="delegation")
    with pytest.raises(Conflict, match="already"):
        zones.look_for_ownership(actor=alice, zone=again(zone))


# texts ----------------------------------------------------------------------------------------------------

_labels = some.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)


@settings(deadline=None)
@given(
    _labels,
    some.lists(some.ip_addresses(v=4), min_size=1, max_size=5, unique=True),
    some.integers(0, 2**31 - 1),
)
def test_a_stored_set_is_read_back(label: str, addresses: list[object], ttl: int) -> None:
    owner = typed_owner(label, ORIGIN)
    records = Records(owner, ttl, [typed_data("A", str(each), ORIGIN) for each in addresses])
    back = stored_set(owner_text(owner), "A", ttl, stored_texts(records))
    assert back == records
    assert set_digest(back) == set_digest(records)


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        ("", "example.org"),
        ("@", "example.org"),
        ("WWW", "www.example.org"),
        ("www.example.org", "www.example.org"),
        ("www.example.org.", "www.example.org"),
        ("a.b", "a.b.example.org"),
        ("ns6.gandi.net.", "ns6.gandi.net"),
        ("*.x", "*.x.example.org"),
    ],
)
def test_names_as_people_type_them(typed: str, full: str) -> None:
    assert owner_text(typed_owner(typed, ORIGIN)) == full


def test_a_target_in_full_without_its_last_dot_is_meant_in_full() -> None:
    assert stored_texts(Records(ORIGIN, 60, [typed_data("MX", "10 mail.example.org", ORIGIN)])) == [
        "10 mail.example.org."
    ]


def test_rows_of_others_may_hold_what_no_text_says(zone: Zone) -> None:
    """Bytes that are no text are shown and kept, and not taken over."""
    row = others_wrote(zone, "odd.example.org", "TXT", '"x"')
    RecordSet.objects.filter(pk=row.pk).update(data=['"\\xff"'])
    with pytest.raises(Invalid, match="cannot be typed"):
        put(Actor.rookery(), again(zone), RecordChange("odd", "TXT", take_over=True))
