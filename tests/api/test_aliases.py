"""Aliases by program: a whole life, from rules to the list of names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenants.actor import Actor
from tests.api.client import Api
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def test_a_whole_life(api: Callable[..., Api], alice: Actor, world: World) -> None:
    owner = api(alice)
    made = owner.post(
        "domains/example.org/aliases/",
        {"local_part": "sales", "delivers_to": ["ada@example.org"], "expires_at": "2030-01-31T00:00:00Z"},
    )
    assert made.status_code == 201
    assert made["Location"] == "/api/v1/mailboxes/sales@example.org/"
    body = made.json()
    assert (body["kind"], body["delivers_to"], body["targets"]) == ("alias", ["ada@example.org"], [])
    assert (body["expires_at"], body["made_for"], body["state"]) == ("2030-01-31T00:00:00Z", None, "writing")
    reach = owner.get("mailboxes/sales@example.org/reach/").json()
    assert reach["targets"] == ["ada@home.example"]
    assert [(part["address"], part["waiting"]) for part in reach["parts"]] == [
        (None, []),
        ("ada@example.org", ["second@home.example"]),
    ]
    assert owner.get("mailboxes/ada@example.org/reach/").json()["targets"] == ["ada@home.example"]
    assert owner.put("mailboxes/sales@example.org/expiry/", {"expires_at": None}).json()["expires_at"] is None
    nothing = owner.post("mailboxes/sales@example.org/extend/")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "conflict")
    refused = owner.put("mailboxes/sales@example.org/delivers-to/", {"delivers_to": ["ada", "team"]})
    [problem] = refused.json()["problems"]
    assert problem["field"] == "delivers_to[1]"
    assert problem["fix"] == "Choose what it delivers to: ada."
    gone = owner.delete("mailboxes/sales@example.org/?never_again=true&reason=Spam")
    assert (gone.json()["state"], gone.json()["trashed_at"] is None) == ("writing", False)
    again = owner.post("domains/example.org/aliases/", {"local_part": "sales", "delivers_to": ["ada"]})
    assert "not given again" in again.json()["detail"]
    [held] = [
        row
        for row in owner.get("domains/example.org/held-names/").json()["results"]
        if row["reason"] == "Spam"
    ]
    assert owner.delete(f"domains/example.org/held-names/{held['id']}/").status_code == 204
    assert owner.post("mailboxes/sales@example.org/restore/").json()["state"] == "writing"


def test_a_reason_belongs_to_a_name_that_is_held(api: Callable[..., Api], alice: Actor, world: World) -> None:
    refused = api(alice).delete("mailboxes/ada@example.org/?reason=Spam")
    assert [each["field"] for each in refused.json()["problems"]] == ["reason"]


@pytest.mark.parametrize(
    "moment", ["2030-01-31", "2030-01-31T00:00:00", "tomorrow", "9999999-01-01T00:00:00Z"]
)
@pytest.mark.one_database
def test_what_is_no_moment(api: Callable[..., Api], alice: Actor, world: World, moment: str) -> None:
    refused = api(alice).put("mailboxes/ada@example.org/expiry/", {"expires_at": moment})
    assert refused.status_code == 400
    assert [each["field"] for each in refused.json()["problems"]] == ["expires_at"]


def test_rules_are_put_and_read(api: Callable[..., Api], alice: Actor, world: World) -> None:
    owner = api(alice)
    put = owner.put(
        "domains/example.org/alias-rules/", {"allowed": True, "pattern": "{own}.*", "most_each": 2}
    )
    assert (
        put.json()
        == owner.get("domains/example.org/alias-rules/").json()
        == {
            "allowed": True,
            "pattern": "{own}.*",
            "most_each": 2,
            "longest_days": None,
        }
    )
    assert owner.put("domains/example.org/alias-rules/", {"allowed": False}).json()["allowed"] is False
