"""Where mail goes, by the API: cautions, checks, and the risk that a caller accepts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actor import Actor
from tests.api.client import Api
from tests.exchanges import SHARED_HOST, dns_says, served
from tests.world import World

pytestmark = pytest.mark.django_db
ADA = "mailboxes/ada@example.org/"
SOUTH = {"address": "ada@south.shared.example"}


def test_a_named_risk(api: Callable[..., Api], alice: Actor, world: World) -> None:
    client = api(alice)
    dns_says("home.example", served(SHARED_HOST))
    made = client.post(f"{ADA}targets/", SOUTH)
    assert made.status_code == 201
    assert made.json()["targets"][-1]["exchange"] == "checking"
    [caution] = client.get(f"{ADA}cautions/").json()["cautions"]
    assert (caution["code"], caution["target"], caution["serious"]) == (
        "exchange-checking",
        SOUTH["address"],
        False,
    )
    dns_says("south.shared.example", served(SHARED_HOST))
    codes = {each["code"] for each in client.get(f"{ADA}cautions/").json()["cautions"]}
    assert codes == {"exchange-shared"}
    held = client.get("domains/example.org/checks/").json()["addresses"]
    assert [(each["address"], each["code"]) for each in held] == [("ada@example.org", "exchange-shared")]
    accepted = client.post(f"{ADA}targets/{SOUTH['address']}/accept-shared/")
    assert accepted.json()["targets"][-1]["exchange"] == "accepted"
    assert client.post(f"{ADA}targets/{SOUTH['address']}/accept-shared/").status_code == 409


def test_a_known_risk_is_refused_unless_it_is_taken(
    api: Callable[..., Api], alice: Actor, world: World
) -> None:
    client = api(alice)
    for host in ("home.example", "south.shared.example"):
        dns_says(host, served(SHARED_HOST))
    refused = client.post(f"{ADA}targets/", SOUTH)
    assert refused.status_code == 400
    assert SHARED_HOST in refused.content.decode()
    taken = client.post(f"{ADA}targets/", {**SOUTH, "accept_shared": True})
    assert taken.status_code == 201, taken.content
    assert taken.json()["targets"][-1]["exchange"] == "accepted"
