"""Importing a zone, taking it along, and what mail needs, for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actor import Actor
from tenants.models import Domain, Event, Zone
from tests.api.client import Api
from tests.tenants.zoning import MAIL, begin, others_wrote, put

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]
HOME = "domains/example.org/zone/"
TEXT = "$TTL 1h\nwww A 192.0.2.80\nbad A 192.0.2.300\n"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    return zone


def test_a_dry_run_tells_what_is_done_then(api: Callable[..., Api], alice: Actor, zone: Zone) -> None:
    client = api(alice)
    refused = client.post(f"{HOME}import/", {"text": TEXT})
    assert refused.status_code == 400
    [problem] = refused.json()["problems"]
    assert (problem["field"], problem["problem"].split(":")[0]) == ("text", "Line 3")
    before = Event.objects.count()
    sent = {"text": TEXT, "leave_out_refused": True}
    shown = client.post(f"{HOME}import/?dry_run=true", sent)
    assert shown.status_code == 200
    told = [(line["first"], line["outcome"], line["owner"]) for line in shown.json()["lines"]]
    assert told == [(1, "directive", ""), (2, "accepted", "www.example.org"), (3, "refused", "")]
    assert Event.objects.count() == before
    done = client.post(f"{HOME}import/", sent).json()
    assert [(each["owner"], each["records"]) for each in done["record_sets"]] == [
        ("www.example.org", ["192.0.2.80"])
    ]
    assert done["generation"] == Zone.objects.get().generation
    assert client.post(f"{HOME}import/", sent).json()["record_sets"] == []


def test_what_is_exported_is_imported_unchanged(api: Callable[..., Api], alice: Actor, zone: Zone) -> None:
    client = api(alice)
    others_wrote(zone, "old.example.org", "TXT", '"by others"')
    got = client.get(f"{HOME}export/").json()
    assert got["file"] == "example.org.zone"
    assert "mail 3600 IN A 192.0.2.25" in got["text"]
    assert "old 3600 IN TXT" in got["text"]
    back = client.post(f"{HOME}import/", {"text": got["text"], "remove_others": True})
    assert (back.status_code, back.json()["record_sets"]) == (200, [])


@pytest.mark.parametrize(
    ("form", "file", "says"),
    [
        ("nsupdate", "example.org.nsupdate", "update add mail.example.org. 3600 A 192.0.2.25"),
        ("git", "example.org.sh", "ssh://git@git.example.org:22/~/zone.git"),
    ],
)
def test_commands(api: Callable[..., Api], alice: Actor, zone: Zone, form: str, file: str, says: str) -> None:
    got = api(alice).get(f"{HOME}export/?form={form}").json()
    assert got["file"] == file
    assert says in got["text"]
    assert api(alice).get(f"{HOME}export/?form=xml").status_code == 400


def test_what_mail_needs_is_computed_and_set(api: Callable[..., Api], alice: Actor, zone: Zone) -> None:
    """The usual wish is about the host and the addresses that the zone has."""
    others_wrote(zone, "_smtp._tls.example.org", "TXT", '"v=TLSRPTv1; rua=mailto:x@example.net"')
    client = api(alice)
    asked = f"{HOME}mail/?policy=reject&senders=_spf.example.net&strict_tls=true"
    found = client.get(asked).json()
    assert (found["host"], found["addresses"]) == ("mail.example.org", ["192.0.2.25"])
    assert "mx: mail.example.org" in found["mta_sts_policy"]
    sets = {f"{each['owner']} {each['type']}": each for each in found["record_sets"]}
    assert "example.org MX" not in sets
    assert sets["example.org TXT"]["records"] == ['"v=spf1 ip4:192.0.2.25 include:_spf.example.net -all"']
    assert [key for key, each in sets.items() if each["held"]] == ["_smtp._tls.example.org TXT"]
    changes = [
        {**{name: each[name] for name in ("type", "records")}, "owner": f"{each['owner']}."}
        for each in sets.values()
        if not each["held"]
    ]
    assert client.post(f"{HOME}record-sets/", {"changes": changes}).status_code == 200
    left = client.get(asked).json()["record_sets"]
    assert [each["owner"] for each in left] == ["_smtp._tls.example.org"]
    refused = client.get(f"{HOME}mail/?addresses=192.0.2.300")
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (400, "addresses")
