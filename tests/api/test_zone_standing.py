"""Ending a zone, and bringing it back, for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actions import zone_proofs
from tenants.actor import Actor
from tenants.models import Domain
from tests.api.client import Api
from tests.tenants.zoning import MAIL, again, begin, put

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]
HOME = "domains/example.org/zone/"


def test_a_zone_is_removed_and_brought_back(api: Callable[..., Api], alice: Actor, domain: Domain) -> None:
    client, zone = api(alice), begin(alice, domain)
    put(alice, zone, *MAIL)
    told = client.get(f"{HOME}standing/").json()
    assert (told["standing"], told["record_sets"], told["removable"]) == ("kept", 4, "")
    assert "Mail for example.org stops" in told["cautions"][0]
    assert client.get(HOME).json()["drift_mode"] == "report"
    refused = client.put(f"{HOME}standing/", {"standing": "removed"})
    assert refused.status_code == 400
    assert refused.json()["problems"][0]["field"] == "name"
    sent = {"standing": "removed", "name": "example.org"}
    assert client.put(f"{HOME}standing/?dry_run=true", sent).json()["standing"] == "removing"
    assert again(zone).standing == "kept"
    done = client.put(f"{HOME}standing/", sent).json()
    assert (done["standing"], done["observed"]) == ("removing", False)
    assert done["generation"] == again(zone).target.generation
    assert client.put(f"{HOME}standing/", sent).status_code == 409
    assert client.patch(HOME, {"minimum": 60}).status_code == 404
    zone_proofs.record_removed(actor=Actor.rookery(), target=again(zone).target, zone_ids=[zone.pk])
    assert client.get(HOME).json()["standing"] == "removed"
    assert client.get(f"{HOME}standing/").json()["ended_at"]
    assert client.put(f"{HOME}standing/", {"standing": "kept"}).json()["standing"] == "returning"
    assert client.put(f"{HOME}standing/", {"standing": "let_go"}).json()["standing"] == "let_go"
    assert client.put(f"{HOME}standing/", {"standing": "gone"}).status_code == 400
