"""Several operations in one transaction: all or none, with every problem told at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from panel.api import bulk, waiting
from tenants import outbox
from tenants.actor import Actor
from tenants.models import Event, Mailbox, StoredAnswer, SyncTarget
from tests.access.stage import differences, snapshot
from tests.api.client import Api
from tests.api.test_idempotency import KEY
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def make(name: str) -> dict[str, Any]:
    wish = {"local_part": name, "targets": [f"{name}@home.example"]}
    return {"method": "POST", "path": "domains/example.org/mailboxes/", "body": wish}


def change(name: str, **body: Any) -> dict[str, Any]:
    return {"method": "PATCH", "path": f"mailboxes/{name}@example.org/", "body": body}


def test_all_are_done(api: Callable[..., Api], world: World, alice: Actor) -> None:
    """Each as if it had come alone, and seeing what those before it did."""
    client = api(alice)
    answer = client.post(
        "bulk/",
        {
            "operations": [
                make("mary"),
                change("mary", note="from bulk"),
                {"method": "DELETE", "path": "/api/v1/mailboxes/ada@example.org/"},
            ]
        },
    )
    assert answer.status_code == 200
    made, changed, gone = answer.json()["results"]
    assert (made["status"], made["location"]) == (201, "/api/v1/mailboxes/mary@example.org/")
    assert changed["etag"] == client.get("mailboxes/mary@example.org/")["ETag"]
    assert changed["body"] == client.get("mailboxes/mary@example.org/").json()
    assert (gone["body"]["state"], gone["body"]["trashed_at"] is None) == ("writing", False)
    events = list(Event.objects.order_by("-pk")[:3])
    assert [event.verb for event in events] == ["trash_mailbox", "change_note", "create_mailbox"]
    assert {event.request_id for event in events} == {answer["X-Request-Id"]}
    assert {event.token for event in events} == {"test"}


def test_none_is_done_and_each_problem_has_its_place(
    api: Callable[..., Api], world: World, alice: Actor
) -> None:
    client = api(alice)
    before = snapshot()
    answer = client.post(
        "bulk/",
        {
            "operations": [
                make("mary"),
                {**make("no"), "body": {"local_part": "No Name", "targets": ["no"]}},
                change("nobody", note="x"),
                change("ada", enabled="yes", unknown=1),
                {**change("ada", note="x"), "if_match": '"old"'},
                {"method": "POST", "path": "mailboxes/ada@example.org/restore/"},
                change("mary", note="this alone would be right"),
            ]
        },
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "not_all")
    assert [each["field"] for each in answer.json()["problems"]] == [
        "operations[1].body.local_part",
        "operations[1].body.targets[0]",
        "operations[2]",
        "operations[3].body.unknown",
        "operations[3].body.enabled",
        "operations[4]",
        "operations[5]",
    ]
    assert differences(before, snapshot()) == []


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("", "POST"),
        ("mailboxes/ada@example.org", "PATCH"),
        ("mailboxes/ada@example.org/?dry_run=true", "PATCH"),
        ("mailboxes/ada@example.org/", "PUT"),
        ("../v1/bulk/", "POST"),
        ("bulk/", "POST"),
        ("account/tokens/", "POST"),
        ("domains/example.org/invitations/", "POST"),
        ("public/domains/example.org/requests/", "POST"),
        ("nowhere/", "POST"),
        ("schema/", "POST"),
        ("http://elsewhere.example/", "POST"),
        ("//elsewhere.example/api/v1/bulk/", "POST"),
        ("mailboxes/ada@example.org/\r\nX: y/", "PATCH"),
        ("é", "POST"),
    ],
)
@pytest.mark.one_database
def test_what_cannot_be_one_of_several(
    path: str, method: str, api: Callable[..., Api], world: World, alice: Actor
) -> None:
    answer = api(alice).post(
        "bulk/", {"operations": [change("ada", note="x"), {"method": method, "path": path, "body": {}}]}
    )
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["problems"]] == ["operations[1].path"]
    assert Mailbox.objects.get(local_part="ada").note == ""


def test_it_is_bounded(api: Callable[..., Api], world: World, alice: Actor) -> None:
    for operations in ([], [change("ada", note="x")] * (bulk.MOST + 1), "x", None, [5]):
        answer = api(alice).post("bulk/", {"operations": operations})
        assert answer.status_code == 400
        assert answer.json()["problems"][0]["field"].startswith("operations")
    assert api(alice).post("bulk/", {"operations": [change("ada", note="x")] * bulk.MOST}).status_code == 200


def test_a_dry_run_sees_itself(api: Callable[..., Api], world: World, alice: Actor) -> None:
    client = api(alice)
    before = snapshot()
    answer = client.post(
        "bulk/?dry_run=true", {"operations": [make("mary"), change("mary", note="x"), make("zoe")]}
    )
    assert [each["body"]["note"] for each in answer.json()["results"]] == ["", "x", ""]
    refused = client.post("bulk/?dry_run=true", {"operations": [make("mary"), make("mary")]})
    assert [each["field"] for each in refused.json()["problems"]] == ["operations[1].body.local_part"]
    assert differences(before, snapshot()) == []


def test_a_key_is_of_the_whole(api: Callable[..., Api], world: World, alice: Actor) -> None:
    client, wish = api(alice), {"operations": [make("mary"), make("zoe")]}
    first = client.post("bulk/", wish, headers=KEY)
    second = client.post("bulk/", wish, headers=KEY)
    assert (first.status_code, second.content) == (200, first.content)
    assert second["Idempotency-Replayed"] == "true"
    assert StoredAnswer.objects.count() == 1
    assert client.post("bulk/", {"operations": [make("zoe")]}, headers=KEY).status_code == 422


def test_it_waits_for_all_places(
    api: Callable[..., Api], world: World, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = api(alice)
    second = client.put(
        "domains/bare.example.org/repository/", {"host": "git2.example.org", "path": "relay.git"}
    ).json()["target"]
    places = [world.target.pk, second]

    def pause(_: float) -> None:
        target = SyncTarget.objects.get(pk=places.pop())
        SyncTarget.objects.filter(pk=target.pk).update(observed_generation=target.generation)

    monkeypatch.setattr(waiting, "pause", pause)
    bare = {**make("x"), "path": "domains/bare.example.org/mailboxes/"}
    answer = client.post("bulk/?wait=10", {"operations": [make("mary"), bare]})
    assert (answer["Rookery-Observed"], places) == ("true", [])
    change_address = answer["Link"].partition(">")[0].removeprefix("<")
    change = client.get(change_address).json()
    assert {each["target"] for each in change.pop("proofs")} == {world.target.pk, second}
    assert change == {
        "observed": True, "over": True, "places": 2, "places_observed": 2, "places_stopped": 0,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_no_hint_leaves_when_one_is_refused(
    api: Callable[..., Api], world: World, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, hints = api(alice), list[Any]()
    monkeypatch.setattr(outbox, "send_hint", lambda *args: hints.append(args))
    SyncTarget.objects.update(observed_generation=1, generation=1)
    assert client.post("bulk/", {"operations": [make("mary"), make("mary")]}).status_code == 422
    assert hints == []
    assert client.post("bulk/", {"operations": [make("mary"), make("zoe")]}).status_code == 200
    assert [hint[0] for hint in hints].count("reconcile") == 1


def test_what_breaks_takes_all_back(
    api: Callable[..., Api], world: World, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("a bug")

    client = api(alice)
    before = snapshot()
    monkeypatch.setattr("tenants.actions.mailboxes.trash_mailbox", broken)
    gone = {"method": "DELETE", "path": "mailboxes/ada@example.org/"}
    answer = client.post("bulk/", {"operations": [make("mary"), gone]})
    assert (answer.status_code, answer.json()["code"]) == (500, "broken")
    assert differences(before, snapshot()) == []


def test_a_browser_needs_its_csrf_token(world: World, alice: Actor) -> None:
    assert alice.account is not None
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.account)
    answer = Api(client=client).post("bulk/", {"operations": [change("ada", note="x")]})
    assert answer.status_code == 403
    client.cookies["rookery_csrf"] = "a" * 32
    strict = Api(client=client, **{"X-CSRFToken": "a" * 32})
    assert strict.post("bulk/", {"operations": [change("ada", note="x")]}).status_code == 200
    event = Event.objects.first()
    assert event is not None
    assert (event.verb, event.actor, event.token) == ("change_note", alice.account, "")
