"""The DNS pages: what to do first, rows, staging, one review, keys shown once."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tenants.actor import Actor
from tenants.models import Domain, RecordSet, TsigKey, Zone
from tests.tenants.zoning import MAIL, again, begin, connect, others_wrote, put
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    return begin(alice, domain)


def test_without_a_repository_it_says_what_to_do(as_alice: Client, as_bob: Client, domain: Domain) -> None:
    page = as_alice.get(PAGE)
    check_page(page)
    assert "Connect a zone repository" in text_of(page)
    assert "Connect a zone repository" not in text_of(as_bob.get(PAGE))


def test_from_nothing_to_a_zone(as_alice: Client, alice: Actor, domain: Domain) -> None:
    sent = {"host": "git.example.org", "port": "22", "username": "git", "path": "zone.git", "branch": "main"}
    bad = as_alice.post(
        f"{PAGE}/repository/new", {**sent, "address": "ns1", "primary_port": "53", "grammar": "new"}
    )
    assert bad.status_code == 400
    assert "is no IP address" in text_of(bad)
    made = as_alice.post(
        f"{PAGE}/repository/new",
        {**sent, "address": "127.0.0.53", "primary_port": "53", "grammar": "new"},
        follow=True,
    )
    check_page(made)
    assert "has not shown its key yet" in text_of(made)
    assert TsigKey.objects.get(own=True).name.startswith("rookery-")
    repository = made.context["repository"]
    begun = as_alice.post(f"{PAGE}/new", {"repository": repository.pk}, follow=True)
    check_page(begun)
    text = text_of(begun)
    assert "Waits for proof" in text
    assert "_rookery.example.org" in text
    assert Zone.objects.get().challenge in text


def test_a_root_key_is_taken_and_never_shown(as_alice: Client, domain: Domain) -> None:
    sent = {"host": "git.example.org", "port": "22", "username": "git", "path": "zone.git", "branch": "main"}
    sent |= {"address": "127.0.0.53", "primary_port": "53", "grammar": "new"}
    secret = "QUJD" * 8
    for key, says in (
        (":SHA256:x", "does not cover every zone"),
        (f"a._update.example.org:SHA256:{secret}", "does not cover every zone"),
        (f"a._transfer:SHA256:{secret}", "does not cover every zone"),
    ):
        refused = as_alice.post(f"{PAGE}/repository/new", {**sent, "root_key": key})
        assert refused.status_code == 400
        assert says in text_of(refused)
        assert secret not in refused.content.decode()
    made = as_alice.post(
        f"{PAGE}/repository/new", {**sent, "root_key": f"panel._update:SHA256:{secret}"}, follow=True
    )
    assert made.status_code == 200
    assert secret not in made.content.decode()
    assert TsigKey.objects.get(own=True).name == "panel._update"


def test_rows_say_who_wrote_them(as_alice: Client, as_bob: Client, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    others_wrote(zone, "sel._domainkey.example.org", "TXT", '"v=DKIM1"')
    others_wrote(zone, "old.example.org", "A", "192.0.2.9")
    page = as_alice.get(PAGE)
    check_page(page)
    text = text_of(page)
    for words in ("by Rookery", "by a unikernel", "by others", "10 mail.example.org.", "Take over"):
        assert words in text
    groups = re.findall(r'scope="rowgroup" colspan="6">([^<]+)<', page.content.decode())
    assert groups == ["Mail", "Web and addresses", "Name servers"]
    looked_at = as_bob.get(PAGE)
    check_page(looked_at)
    assert "/dns/record?" not in looked_at.content.decode()


def test_changes_are_staged_reviewed_and_applied_together(as_alice: Client, zone: Zone) -> None:
    alone = as_alice.post(f"{PAGE}/record?type=MX", {"owner": "@", "records": "10 mail"})
    assert alone.status_code == 400
    assert "mail.example.org has none in this zone" in text_of(alone)
    as_alice.post(f"{PAGE}/record?type=A", {"owner": "mail", "records": "192.0.2.25", "ttl": "300"})
    page = as_alice.post(f"{PAGE}/record?type=MX", {"owner": "", "records": "10 mail"}, follow=True)
    check_page(page)
    text = text_of(page)
    assert "2 changes, serial 0 → 1" in text
    assert text.count("will be added") == 2
    assert not zone.record_sets.filter(type="MX").exists()
    review = as_alice.get(f"{PAGE}/review")
    check_page(review)
    assert "+ example.org. 3600 IN MX 10 mail.example.org." in text_of(review)
    assert "may be told for 1 hour that there is nothing" in text_of(review)
    done = as_alice.post(f"{PAGE}/review", follow=True)
    check_page(done)
    assert "Accepted. 2 changes are on the way." in text_of(done)
    assert "On its way" in text_of(done)
    assert zone.record_sets.get(type="MX").data == ["10 mail.example.org."]
    assert zone.record_sets.get(owner="mail.example.org").ttl == 300


def test_editing_removing_and_forgetting(as_alice: Client, alice: Actor, zone: Zone) -> None:
    put(alice, zone, *MAIL)
    form = as_alice.get(f"{PAGE}/record?owner=mail.example.org&type=A")
    check_page(form)
    assert 'value="mail"' in form.content.decode()
    assert "192.0.2.25" in text_of(form)
    stage = {"owner": "example.org", "type": "MX"}
    page = as_alice.post(f"{PAGE}/stage", {**stage, "do": "remove"}, follow=True)
    assert "will be removed" in text_of(page)
    assert "Gone within 1 hour" in text_of(as_alice.get(f"{PAGE}/review"))
    page = as_alice.post(f"{PAGE}/stage", {**stage, "do": "forget"}, follow=True)
    assert "will be removed" not in text_of(page)
    for words in (
        {"do": "nonsense"},
        {"do": "remove", "owner": "nobody.example.org"},
        {"do": "remove", "owner": "a\0b"},
    ):
        answer = as_alice.post(f"{PAGE}/stage", {**stage, **words}, follow=True)
        assert answer.status_code == 200
    as_alice.post(f"{PAGE}/stage", {**stage, "do": "remove"})
    as_alice.post(f"{PAGE}/discard")
    assert as_alice.get(f"{PAGE}/review").status_code == 302


def test_what_is_staged_may_have_become_impossible(as_alice: Client, alice: Actor, zone: Zone) -> None:
    as_alice.post(f"{PAGE}/record?type=A", {"owner": "x", "records": "192.0.2.25"})
    put(alice, zone, *MAIL[1:], *MAIL[:1])
    others_wrote(again(zone), "x.example.org", "A", "192.0.2.9")
    review = as_alice.get(f"{PAGE}/review")
    assert review.status_code == 400
    assert "Take it over first" in text_of(review)
    assert as_alice.post(f"{PAGE}/review").status_code == 400
    assert RecordSet.objects.get(owner="x.example.org").holder == "external"


def test_taking_over_and_freezing_in_the_row(as_alice: Client, zone: Zone) -> None:
    others_wrote(zone, "old.example.org", "A", "192.0.2.9")
    stage = {"owner": "old.example.org", "type": "A"}
    page = as_alice.post(f"{PAGE}/stage", {**stage, "do": "take_over"}, follow=True)
    assert "will be taken over" in text_of(page)
    assert "Nothing changes for others." in text_of(as_alice.get(f"{PAGE}/review"))
    as_alice.post(f"{PAGE}/review")
    page = as_alice.post(f"{PAGE}/stage", {**stage, "do": "freeze"}, follow=True)
    assert "Unfreeze" in text_of(page)


def test_a_key_is_shown_once(as_alice: Client, zone: Zone) -> None:
    made = as_alice.post(f"{PAGE}/keys", {"used_by": "letsencrypt", "right": "update"})
    check_page(made)
    secret = made.context["secret"]
    assert f"letsencrypt._update.example.org:SHA256:{secret}" in text_of(made)
    page = as_alice.get(f"{PAGE}/keys")
    check_page(page)
    assert secret not in page.content.decode()
    assert "letsencrypt._update.example.org" in text_of(page)
    key = TsigKey.objects.get(own=False)
    rotated = as_alice.post(f"{PAGE}/keys/{key.pk}/rotate")
    assert "letsencrypt-2._update.example.org" in text_of(rotated)
    refused = as_alice.post(f"{PAGE}/keys/{key.pk}/remove", follow=True)
    assert "has not reached the primary yet" in text_of(refused)


def test_servers_and_settings(as_alice: Client, zone: Zone) -> None:
    sent = {"host": "ns6.gandi.example", "address": "127.0.0.46", "transfer": "key"}
    made = as_alice.post(f"{PAGE}/servers", sent)
    assert "127.0.0.53.127.0.0.46._transfer.example.org" in text_of(made)
    page = as_alice.get(f"{PAGE}/servers")
    check_page(page)
    assert "ns6.gandi.example" in text_of(page)
    server = again(zone).secondaries.get()
    as_alice.post(f"{PAGE}/servers/{server.pk}/remove")
    assert not again(zone).secondaries.exists()
    page = as_alice.get(f"{PAGE}/settings")
    check_page(page)
    sent = {"first_server": "ns1.example.org", "contact": "a.b@example.org", "refresh": "1", "retry": "1"}
    refused = as_alice.post(f"{PAGE}/settings", {**sent, "expire": "10", "minimum": "60"})
    assert refused.status_code == 400
    assert "no dot" in text_of(refused)
    frozen = as_alice.post(f"{PAGE}/freeze", {"on": "1"}, follow=True)
    assert "is frozen" in text_of(frozen)


def test_repositories_are_the_organization_s_own(as_charlie: Client, alice: Actor, domain: Domain) -> None:
    repository = connect(alice, domain)
    assert as_charlie.get(f"{PAGE}/repository/{repository.pk}").status_code == 404
