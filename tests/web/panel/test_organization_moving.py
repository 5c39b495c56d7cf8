"""The pages of an organization as one file: asked for, fetched, read elsewhere, and done."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from tenants.actions import organizations
from tenants.actor import Actor
from tenants.models import Domain, Export, Organization, OrganizationImport
from tenants.secrets import Opener
from tests.as_if import file_of
from tests.conftest import HASH, make_address
from tests.web.people import check_page, text_of
from workers.errands import exporter

pytestmark = pytest.mark.django_db


def made(as_alice: Client, at: str, **asked: str) -> str:
    """Asked for and made; returns the key."""
    answer = as_alice.post(at, asked)
    check_page(answer)
    found = re.search(r'id="export-key">([^<]+)<', answer.content.decode())
    assert exporter.make(Export.objects.latest("pk").pk, Opener())
    return found[1] if found is not None else ""


def send(as_alice: Client, at: str, content: bytes, **given: str) -> Any:
    file = BytesIO(content)
    file.name = "all.sealed"
    return as_alice.post(at, {"file": file, **given})


def test_from_asking_to_another_organization(as_alice: Client, alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "ada")
    home = f"/o/{domain.organization_id}"
    page = as_alice.get(home)
    assert f'href="{home}/export"' in page.content.decode()
    assert f'href="{home}/import"' in page.content.decode()
    first = as_alice.get(f"{home}/export")
    check_page(first)
    assert "Nobody asked for one" in text_of(first)
    assert as_alice.post(f"{home}/export/fetch").status_code == 409
    assert not made(as_alice, f"{home}/export"), "nothing is secret, so there is no key"
    plain = as_alice.post(f"{home}/export/fetch")
    assert (plain["Content-Type"], plain["Cache-Control"]) == ("application/json", "no-store")
    assert HASH.encode() not in plain.content
    key = made(as_alice, f"{home}/export", secrets="1")
    assert key
    ready = as_alice.get(f"{home}/export")
    check_page(ready)
    assert key not in ready.content.decode()
    assert "1 file in" in text_of(ready)
    sealed = as_alice.post(f"{home}/export/fetch")
    assert re.fullmatch(
        r'attachment; filename="analytical-society-[0-9-]{10}\.sealed"', sealed["Content-Disposition"]
    )
    assert as_alice.post(f"{home}/export/fetch").status_code == 409

    # Back into the same organization: an address was lost meanwhile.
    check_page(as_alice.get(f"{home}/import"))
    nothing = as_alice.post(f"{home}/import")
    assert (nothing.status_code, "Choose the one" in text_of(nothing)) == (400, True)
    closed = send(as_alice, f"{home}/import", sealed.content, key="x" * 43)
    assert (closed.status_code, "does not open" in text_of(closed)) == (400, True)
    domain.mailboxes.all().delete()
    sent = send(as_alice, f"{home}/import", sealed.content, key=key, vouched="on")
    assert sent.status_code == 302, text_of(sent)
    preview = OrganizationImport.objects.get()
    looked = as_alice.get(sent["Location"])
    check_page(looked)
    assert "ada@example.org" in text_of(looked)
    assert key not in looked.content.decode()
    left = as_alice.get(f"{sent['Location']}?only=left-out")
    assert "ada@example.org" not in text_of(left)
    again = as_alice.post(f"{sent['Location']}/apply", {"digest": preview.digest, "key": "wrong"})
    check_page(again)
    assert (again.status_code, "wrong" in again.content.decode()) == (400, False)
    assert not domain.mailboxes.exists()
    done = as_alice.post(f"{sent['Location']}/apply", {"digest": preview.digest, "key": key})
    assert done.status_code == 302
    told = as_alice.get(sent["Location"])
    check_page(told)
    assert "Done: 1 new" in text_of(told)
    assert domain.mailboxes.get().sealed_hash is not None
    assert key not in as_alice.get(f"{home}/activity").content.decode()


def test_what_is_refused_is_left_out_by_the_button(as_alice: Client, domain: Domain) -> None:
    other = organizations.create_organization(actor=Actor.rookery(), name="Elsewhere")
    theirs = Domain.objects.create(organization=other, name="taken.example")
    content = file_of(theirs.name).replace(
        b'"domains": [', b'"domains": [{"name": "new.example", "requests": "closed"}, '
    )
    home = f"/o/{domain.organization_id}/import"
    sent = send(as_alice, home, content)
    page = as_alice.get(sent["Location"])
    assert "belongs to another organization" in text_of(page)
    assert "Import 1, leave out 1" in text_of(page)
    digest = OrganizationImport.objects.get().digest
    as_alice.post(f"{sent['Location']}/apply", {"digest": digest, "leave_out": "1"})
    assert Domain.objects.filter(organization=domain.organization, name="new.example").exists()
    assert Domain.objects.get(name="taken.example").organization == other
    sent = send(as_alice, home, content)
    assert as_alice.post(f"{sent['Location']}/discard").status_code == 302
    assert as_alice.get(sent["Location"]).status_code == 404


def test_an_old_sign_in_is_not_enough(as_alice: Client, organization: Organization) -> None:
    session = as_alice.session
    session["signed_in_at"] = 1.0
    session.save()
    for place in ("export", "export/fetch"):
        assert as_alice.post(f"/o/{organization.pk}/{place}").status_code == 403
    assert not Export.objects.exists()


def test_a_file_that_is_too_large_is_told(as_alice: Client, organization: Organization) -> None:
    answer = send(as_alice, f"/o/{organization.pk}/import", b"{" + b" " * (10 << 20))
    assert answer.status_code == 400
    assert "at most" in text_of(answer)
