"""The page of the way out: the key is shown once, the archive goes to who has it, once."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tenants.actor import Actor
from tenants.models import Domain, Export
from tenants.secrets import Opener
from tests.conftest import HASH, make_address
from tests.web.people import check_page, text_of
from workers.errands import exporter

pytestmark = pytest.mark.django_db


def test_from_asking_to_the_archive(as_alice: Client, alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "ada")
    at = f"/d/{domain}/way-out"
    page = as_alice.get(at)
    check_page(page)
    assert "Nobody asked for one" in text_of(page)
    asked = as_alice.post(at)
    check_page(asked)
    found = re.search(r'id="export-key">([^<]+)<', asked.content.decode())
    assert found is not None
    key = found[1]
    assert "data-live-final" not in as_alice.get(at, headers={"HX-Request": "true"}).content.decode()
    early = as_alice.post(f"{at}/fetch", {"key": key})
    check_page(early)
    assert (early.status_code, key in early.content.decode()) == (409, False)
    assert exporter.make(Export.objects.get().pk, Opener())
    ready = as_alice.get(at)
    check_page(ready)
    assert "It can be fetched once" in text_of(ready)
    assert key not in ready.content.decode()
    wrong = as_alice.post(f"{at}/fetch", {"key": "x" * 43})
    assert (wrong.status_code, "does not open" in text_of(wrong)) == (400, True)
    done = as_alice.post(f"{at}/fetch", {"key": key})
    assert (done.status_code, done["Content-Type"], done["Cache-Control"]) == (
        200,
        "application/gzip",
        "no-store",
    )
    assert done.content[:2] == b"\x1f\x8b"
    assert HASH not in as_alice.get(f"/d/{domain}/activity").content.decode()
    assert as_alice.post(f"{at}/fetch", {"key": key}).status_code == 409
    assert "Fetched" in text_of(as_alice.get(at))


def test_an_old_sign_in_is_not_enough(as_alice: Client, domain: Domain) -> None:
    session = as_alice.session
    session["signed_in_at"] = 1.0
    session.save()
    assert as_alice.post(f"/d/{domain}/way-out").status_code == 403
    assert not Export.objects.exists()
