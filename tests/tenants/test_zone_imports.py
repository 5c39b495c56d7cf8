"""Importing a zone's text into a zone that has records already: what stays, what changes, all or nothing."""

from __future__ import annotations

import pytest

from tenants.actions.record_sets import RecordChange, freeze_record_set
from tenants.actions.zone_imports import import_zone, read_zone_text
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.formats.zones.bind.importing import Outcome
from tenants.models import Domain, Event, Zone
from tests.tenants.zoning import MAIL, again, begin, others_wrote, put

pytestmark = pytest.mark.django_db
PASTED = """\
$TTL 1h
@ IN SOA ns1.old.example. hostmaster.old.example. 2026112101 1d 2h 4w 1h
@ NS ns1.old.example.
@ MX 20 mail
www 300 A 192.0.2.80
ns1 A 198.51.100.1
sel._domainkey TXT "v=DKIM1; p=old"
"""


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    return again(zone)


def outcomes(zone: Zone, alice: Actor, text: str) -> dict[str, tuple[Outcome, str]]:
    read = read_zone_text(actor=alice, zone=zone, text=text)
    return {line.text.split(" ")[0]: (line.outcome, " ".join(line.reasons)) for line in read.lines}


def test_a_zone_from_elsewhere_keeps_who_serves_it(alice: Actor, zone: Zone) -> None:
    before = Event.objects.count()
    read = read_zone_text(actor=alice, zone=zone, text=PASTED)
    assert Event.objects.count() == before
    told = [(line.first, line.outcome.value) for line in read.lines]
    assert told == [
        (1, "directive"), (2, "changed"), (3, "refused"), (4, "accepted"), (5, "accepted"), (6, "refused"),
        (7, "refused"),
    ]  # fmt: skip
    assert "keeps its own name servers" in read.lines[2].reasons[0]
    assert "name servers stay" in read.lines[5].reasons[0]
    assert "A unikernel writes this" in read.lines[6].reasons[0]
    assert {(each.owner, each.type, each.data, each.ttl) for each in read.changes} == {
        ("example.org.", "MX", ("20 mail.example.org.",), 3600),
        ("www.example.org.", "A", ("192.0.2.80",), 300),
    }
    with pytest.raises(Invalid) as refused:
        import_zone(actor=alice, zone=zone, text=PASTED)
    assert [each.problem.split(":")[0] for each in refused.value.problems] == ["Line 3", "Line 6", "Line 7"]
    assert not zone.record_sets.filter(owner="www.example.org").exists()
    _, rows = import_zone(actor=alice, zone=zone, text=PASTED, leave_out_refused=True)
    assert {(row.owner, row.type) for row in rows} == {("example.org", "MX"), ("www.example.org", "A")}
    assert zone.record_sets.get(type="MX").data == ["20 mail.example.org."]
    assert zone.record_sets.get(type="NS").data == ["ns1.example.org."]
    assert import_zone(actor=alice, zone=again(zone), text=PASTED, leave_out_refused=True)[1] == []


def test_the_rest_of_the_zone_counts(alice: Actor, zone: Zone) -> None:
    """mail has its address in the zone already; an MX to a host without one is refused alone."""
    told = outcomes(zone, alice, "$TTL 300\n@ MX 5 mail\nb MX 5 nowhere\n")
    assert told["@"][0] is Outcome.ACCEPTED
    assert told["b"][0] is Outcome.REFUSED
    assert "nowhere.example.org" in told["b"][1]
    assert outcomes(zone, alice, "mail CNAME www\n")["mail"][0] is Outcome.REFUSED


def test_what_others_wrote_and_what_is_frozen_stays(alice: Actor, zone: Zone) -> None:
    others_wrote(zone, "old.example.org", "A", "192.0.2.9")
    freeze_record_set(actor=alice, zone=zone, owner="mail", record_type="A", frozen=True)
    told = outcomes(zone, alice, "old A 192.0.2.10\nmail A 192.0.2.26\n")
    assert "Take it over first" in told["old"][1]
    assert "is frozen" in told["mail"][1]
    same = outcomes(zone, alice, "old A 192.0.2.9\n")
    assert same["old"] == (Outcome.ACCEPTED, "It is there already.")


def test_removing_what_is_not_in_it(alice: Actor, zone: Zone) -> None:
    others_wrote(zone, "old.example.org", "A", "192.0.2.9")
    put(alice, zone, RecordChange("www", "A", ("192.0.2.80",)), RecordChange("shop", "A", ("192.0.2.81",)))
    text = "www A 192.0.2.82\nshop A 192.0.2.300\n"
    import_zone(actor=alice, zone=zone, text=text, remove_others=True, leave_out_refused=True)
    left = {f"{row.owner} {row.type}" for row in zone.record_sets.filter(absent=False)}
    # shop was mentioned, in a line that says nothing: that is no wish to remove it
    assert left == {
        "example.org NS", "ns1.example.org A", "old.example.org A", "www.example.org A", "shop.example.org A",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 4_000_001])
def test_texts_that_say_nothing(alice: Actor, zone: Zone, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        import_zone(actor=alice, zone=zone, text=text)
    assert refused.value.problems[0].field == "text"


def test_too_many_at_once(alice: Actor, zone: Zone) -> None:
    text = "".join(f"h{number} A 192.0.2.7\n" for number in range(1001))
    with pytest.raises(Invalid, match="1000 are possible at once"):
        import_zone(actor=alice, zone=zone, text=text)
    assert not zone.record_sets.filter(owner="h1.example.org").exists()


def test_only_owners_and_not_while_frozen(alice: Actor, bob: Actor, zone: Zone) -> None:
    with pytest.raises(Forbidden):
        import_zone(actor=bob, zone=zone, text="www A 192.0.2.80\n")
    Zone.objects.update(frozen=True)
    with pytest.raises(Conflict, match="is frozen"):
        import_zone(actor=alice, zone=again(zone), text="www A 192.0.2.80\n")
