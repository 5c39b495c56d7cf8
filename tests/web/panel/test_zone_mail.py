"""What mail needs, computed: proposals that differ, what is beside them kept, chosen ones staged."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.actions import signing_keys
from tenants.actions.record_sets import RecordChange
from tenants.actor import Actor
from tenants.models import Domain, Zone
from tests.tenants.zoning import begin, others_wrote, put
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns"
WISH = {
    "host": "mail",
    "addresses": "192.0.2.25, 2001:db8::25",
    "senders": "_spf.example.net",
    "policy": "reject",
    "reports": "postmaster@example.org",
    "issuer": "letsencrypt.org",
    "strict_tls": "on",
}


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    return begin(alice, domain)


def test_from_nothing_to_all_of_it(as_alice: Client, alice: Actor, zone: Zone) -> None:
    put(alice, zone, RecordChange("@", "TXT", ("proof=1", "v=spf1 a -all")))
    check_page(as_alice.get(f"{PAGE}/mail"))
    shown = as_alice.post(f"{PAGE}/mail", {**WISH, "do": "look"})
    check_page(shown)
    text = text_of(shown)
    assert "8 record sets of the zone would change" in text
    assert "mx: mail.example.org" in text
    assert "No key yet." in text
    keys = [each["key"] for each in shown.context["proposals"]]
    kept = as_alice.post(f"{PAGE}/mail", {**WISH, "do": "keep", "take": keys}, follow=True)
    check_page(kept)
    as_alice.post(f"{PAGE}/review")
    said = {f"{row.owner} {row.type}": row.data for row in zone.record_sets.all()}
    assert said["example.org MX"] == ["10 mail.example.org."]
    assert said["mail.example.org AAAA"] == ["2001:db8::25"]
    assert set(said["example.org TXT"]) == {
        '"proof=1"',
        '"v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 include:_spf.example.net -all"',
    }
    assert said["_dmarc.example.org TXT"] == ['"v=DMARC1; p=reject; rua=mailto:postmaster@example.org"']
    assert said["_smtp._tls.example.org TXT"] == ['"v=TLSRPTv1; rua=mailto:postmaster@example.org"']
    assert said["example.org CAA"] == ['0 issue "letsencrypt.org"']
    assert said["_mta-sts.example.org TXT"][0].startswith('"v=STSv1; id=')
    again = as_alice.post(f"{PAGE}/mail", {**WISH, "do": "look"})
    assert "The zone has all of it already." in text_of(again)


def test_the_signers_record_is_shown_and_compared_but_never_set(
    as_alice: Client, alice: Actor, zone: Zone
) -> None:
    key = signing_keys.make_signing_key(actor=alice, domain=zone.domain, selector="s1").row
    signing_keys.record_public_key(actor=Actor.rookery(), key=key, public_key="QUJD")
    key.refresh_from_db()
    shown = as_alice.post(f"{PAGE}/mail", {**WISH, "do": "look"})
    check_page(shown)
    assert "Not there yet" in text_of(shown)
    assert key.record in text_of(shown)
    assert not [each for each in shown.context["proposals"] if "_domainkey" in each["key"]]
    row = others_wrote(zone, key.owner, "TXT", f'"{key.record}"')
    assert "As predicted" in text_of(as_alice.get(f"{PAGE}/mail"))
    row.data = ['"v=DKIM1; p=REVG"']
    row.save()
    assert "Another key" in text_of(as_alice.get(f"{PAGE}/mail"))


def test_what_others_wrote_is_not_proposed_to_be_taken(as_alice: Client, zone: Zone) -> None:
    others_wrote(zone, "_dmarc.example.org", "TXT", '"v=DMARC1; p=none"')
    others_wrote(zone, "sel._domainkey.example.org", "TXT", '"v=DKIM1; p="')
    shown = as_alice.post(f"{PAGE}/mail", {**WISH, "do": "look"})
    check_page(shown)
    assert "Take it over first" in text_of(shown)
    assert "sel._domainkey.example.org" in text_of(shown)
    refused = as_alice.post(f"{PAGE}/mail", {**WISH, "do": "keep", "take": "_dmarc.example.org TXT"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("host", "a b", "is no"),
        ("host", "192.0.2.1", "is no host"),
        ("addresses", "192.0.2.300", "is no IP address"),
        ("addresses", "fe80::1%eth0", "that others can reach"),
        ("senders", 'x"y', "no name of a domain"),
        ("senders", " ".join(f"s{number}.example.net" for number in range(11)), "more than 10 questions"),
        ("policy", "drop", "drop"),
        ("reports", 'a"@example.org', "no mail address"),
        ("issuer", "no;ca", "certificate authority"),
    ],
)
def test_what_makes_no_record(as_alice: Client, zone: Zone, field: str, value: str, says: str) -> None:
    refused = as_alice.post(f"{PAGE}/mail", {**WISH, field: value, "do": "look"})
    assert refused.status_code == 400
    check_page(refused)
    assert says in text_of(refused)
