"""Importing a zone in the browser: line by line, mended in place, kept for the one review."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenants.actor import Actor
from tenants.models import Domain, Zone
from tests.tenants.zoning import MAIL, begin, put
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/dns"
PASTED = "$TTL 1h\n@ NS ns1.old.example.\n@ MX 20 mail\nWWW A 192.0.2.80\nbad A 192.0.2.300\n"


@pytest.fixture
def zone(alice: Actor, domain: Domain) -> Zone:
    zone = begin(alice, domain)
    put(alice, zone, *MAIL)
    return zone


def test_lines_are_shown_mended_and_kept(as_alice: Client, zone: Zone) -> None:
    check_page(as_alice.get(f"{PAGE}/import"))
    shown = as_alice.post(f"{PAGE}/import", {"text": PASTED, "do": "look"})
    check_page(shown)
    text = text_of(shown)
    for words in (
        "Lines: 1 accepted, 1 changed, 2 refused.",
        "2 record sets would change.",
        "keeps its own name servers",
        "192.0.2.300",
        "Leave out what is refused",
    ):
        assert words in text
    refused = as_alice.post(f"{PAGE}/import", {"text": PASTED, "do": "keep"})
    assert refused.status_code == 400
    assert "Line 2: The zone keeps its own name servers" in text_of(refused)
    kept = as_alice.post(f"{PAGE}/import", {"text": PASTED, "do": "keep", "leave_out": "1"}, follow=True)
    check_page(kept)
    assert "2 changes of example.org" in text_of(kept)
    assert "+ www.example.org. 3600 IN A 192.0.2.80" in text_of(kept)
    assert not zone.record_sets.filter(owner="www.example.org").exists()
    as_alice.post(f"{PAGE}/review")
    assert zone.record_sets.get(owner="www.example.org").data == ["192.0.2.80"]
    again = as_alice.post(f"{PAGE}/import", {"text": PASTED, "do": "keep", "leave_out": "1"})
    check_page(again)
    assert "No record set would change." in text_of(again)


def test_a_file_and_the_whole_zone(as_alice: Client, zone: Zone) -> None:
    file = SimpleUploadedFile("example.org.zone", b"\xef\xbb\xbfwww 60 A 192.0.2.80\r\n", "text/dns")
    shown = as_alice.post(f"{PAGE}/import", {"file": file, "remove_others": "1", "do": "look"})
    check_page(shown)
    assert "of which 2 would be removed" in text_of(shown)
    assert "www 60 A 192.0.2.80" in shown.content.decode()


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"text": " "}, "There is no zone."),
        ({"text": "x" * 900_001}, "longer than 900,000 characters"),
        ({"file": b"www A 192.0.2.80 ; \xff"}, "no text in UTF-8: byte 20"),
        (
            {"text": "".join(f"h{number} A 192.0.2.7\n" for number in range(1001))},
            "1000 are possible at once",
        ),
    ],
)
def test_what_cannot_be_imported(
    as_alice: Client, zone: Zone, sent: dict[str, str | bytes], says: str
) -> None:
    body = {
        name: SimpleUploadedFile("z", value) if isinstance(value, bytes) else value
        for name, value in sent.items()
    }
    refused = as_alice.post(f"{PAGE}/import", {**body, "do": "look"})
    assert refused.status_code == 400
    check_page(refused)
    assert says in text_of(refused)


def test_hostile_text_is_only_text(as_alice: Client, zone: Zone) -> None:
    hostile = 'a TXT "<script>alert(1)</script>"\n</textarea><b>x\n'
    page = as_alice.post(f"{PAGE}/import", {"text": hostile, "do": "look"})
    assert b"<script>alert" not in page.content
    assert b"</textarea><b>" not in page.content
    check_page(page)
    unseen = as_alice.post(f"{PAGE}/import", {"text": f"{hostile}\x1b[31m A 192.0.2.1", "do": "look"})
    assert "Line 3 has a character that cannot be seen." in text_of(unseen)
    assert b"\x1b" not in unseen.content


def test_nobody_else_imports(as_bob: Client, zone: Zone) -> None:
    assert as_bob.get(f"{PAGE}/import").status_code == 403


def test_taking_it_along(as_bob: Client, zone: Zone) -> None:
    page = as_bob.get(f"{PAGE}/export")
    check_page(page)
    for form, file in (
        ("bind", "example.org.zone"),
        ("nsupdate", "example.org.nsupdate"),
        ("git", "example.org.sh"),
    ):
        assert f"/dns/export/{form}" in page.content.decode()
        kept = as_bob.get(f"{PAGE}/export/{form}")
        assert kept["Content-Disposition"] == f'attachment; filename="{file}"'
        assert b"192.0.2.25" in kept.content
    assert as_bob.get(f"{PAGE}/export/xml").status_code == 404
