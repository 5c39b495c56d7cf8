"""Taking an organization along and importing it, for programs."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest

from tenants.actor import Actor
from tenants.models import Domain, Export, Mailbox, Organization, OrganizationImport
from tenants.secrets import Opener
from tests.api.client import Api
from tests.as_if import file_of
from tests.conftest import HASH, make_address
from workers.errands import exporter

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def test_asked_for_fetched_and_imported(api: Callable[..., Api], alice: Actor, domain: Domain) -> None:
    make_address(alice, domain, "ada")
    client, home = api(alice), f"organizations/{domain.organization_id}"
    dry = client.post(f"{home}/exports/?dry_run=true", {"with_secrets": True}).json()
    assert (dry["id"], dry["key"], Export.objects.count()) == (None, None, 0)
    asked = client.post(f"{home}/exports/", {"with_secrets": True})
    assert asked.status_code == 201
    told = asked.json()
    assert (told["state"], told["with_secrets"], len(told["key"])) == ("waiting", True, 43)
    at = f"{home}/exports/{told['id']}/"
    assert asked["Location"].endswith(at)
    assert client.post(f"{at}fetch/").status_code == 409
    exporter.make(told["id"], Opener())
    assert client.get(at).json()["state"] == "ready"
    file = client.post(f"{at}fetch/").json()["archive"]
    assert HASH.encode() not in b64decode(file)
    assert [each["state"] for each in client.get(f"{home}/exports/").json()["results"]] == ["fetched"]

    Mailbox.objects.all().delete()
    body = {"file": file, "key": told["key"], "vouched": True}
    shown = client.post(f"{home}/import/?dry_run=true", body).json()
    assert shown["counts"]["new"] == 1
    assert {"verdict": "new", "thing": "ada@example.org", "why": ""} in shown["lines"]
    assert told["key"] not in str(shown)
    assert not Mailbox.objects.exists()
    done = client.post(f"{home}/import/", {**body, "preview": shown["preview"]})
    assert (done.status_code, done.json()) == (200, shown)
    assert Mailbox.objects.get().sealed_hash is not None
    assert client.post(f"{home}/import/", {**body, "preview": shown["preview"]}).status_code == 409
    assert not OrganizationImport.objects.exists(), "a program keeps its file itself"


def test_a_plain_export_has_no_key(api: Callable[..., Api], alice: Actor, domain: Domain) -> None:
    client, home = api(alice), f"organizations/{domain.organization_id}"
    told = client.post(f"{home}/exports/", {"with_secrets": False}).json()
    assert (told["key"], told["with_secrets"]) == (None, False)
    exporter.make(told["id"], Opener())
    archive = client.post(f"{home}/exports/{told['id']}/fetch/").json()["archive"]
    assert b64decode(archive).startswith(b'{\n "format": "rookery-organization"')


def test_what_is_wrong_names_its_field(
    api: Callable[..., Api], alice: Actor, charlie: Actor, organization: Organization
) -> None:
    client, at = api(alice), f"organizations/{organization.pk}/import/"
    deep = b64encode(b"[" * 100_000).decode()
    for body, field in (
        ({"file": "no base64!"}, "file"),
        ({"file": deep}, "file"),
        ({"file": 7}, "file"),
        ({}, "file"),
        ({"file": b64encode(b"rookery-organization-sealed-1\nx").decode(), "key": "k" * 43}, "key"),
        ({"file": b64encode(file_of("no domain")).decode()}, "file"),
    ):
        answer = client.post(at, body)
        assert answer.status_code == 400, body
        assert answer.json()["problems"][0]["field"] == field
        assert "k" * 43 not in answer.content.decode()
    content = b64encode(file_of("new.example")).decode()
    assert api(charlie).post(at, {"file": content}).status_code == 404
    assert not Domain.objects.exists()
