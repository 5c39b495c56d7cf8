"""`?dry_run=true`: every write answers as if, and nothing is different afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from tenants import outbox
from tenants.actor import Actor
from tenants.dryrun import rehearsal
from tenants.models import ApiToken, Event, Mailbox, SyncTarget
from tests.api.client import Api
from tests.web.people import signed_in
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


@pytest.mark.django_db(transaction=True)
def test_no_hint_leaves(
    world: World, api: Callable[..., Api], alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = api(alice)
    hints: list[tuple[Any, ...]] = []
    monkeypatch.setattr(outbox, "send_hint", lambda *args: hints.append(args))
    # What waits for a worker already would not be hinted at again.
    SyncTarget.objects.update(observed_generation=F("generation"), stop_code="")
    assert owner.patch("mailboxes/ada@example.org/?dry_run", {"enabled": False}).json()["enabled"] is False
    assert hints == []
    assert owner.patch("mailboxes/ada@example.org/", {"enabled": False}).status_code == 200
    assert [hint[0] for hint in hints] == ["reconcile"]


def test_it_shows_what_would_be(world: World, api: Callable[..., Api], alice: Actor, olga: Actor) -> None:
    owner = api(alice)
    made = owner.post(
        "domains/example.org/mailboxes/?dry_run=1", {"local_part": "mary", "targets": ["mary@home.example"]}
    ).json()
    assert (made["address"], made["kind"], made["state"]) == ("mary@example.org", "alias", "writing")
    assert owner.get("mailboxes/mary@example.org/").status_code == 404
    gone = owner.delete("mailboxes/ada@example.org/?dry_run=true").json()
    assert gone["trashed_at"] is not None
    connected = owner.put(
        "domains/bare.example.org/repository/?dry_run=true", {"host": "git2.example.org", "path": "x.git"}
    ).json()
    assert (connected["public_key"], connected["target"]) == (None, None)
    assert api(olga).post("organizations/?dry_run=true", {"name": "New"}).json()["id"] is None


def test_it_refuses_what_the_real_one_would(world: World, api: Callable[..., Api], alice: Actor) -> None:
    taken = {"local_part": "ada", "targets": ["x@home.example"]}
    answers = [
        api(alice).post(f"domains/example.org/mailboxes/{query}", taken) for query in ("", "?dry_run=true")
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json()["problems"] == answers[1].json()["problems"]


def test_links_and_keys_are_not_given_away(world: World, alice: Actor) -> None:
    wish = {"local_part": "mary", "target": "mary@home.example", "password_hash": "ab" * 64}
    asked = Api().post("public/domains/example.org/requests/?dry_run=true", wish).json()
    assert (asked["timeline_url"], asked["status_url"]) == (None, None)
    assert alice.account is not None
    browser = signed_in(alice.account)
    before = ApiToken.objects.count()
    token = Api(client=browser).post("account/tokens/?dry_run=true", {"name": "backup"}).json()
    assert (token["id"], token["key"], token["hint"]) == (None, None, None)
    assert ApiToken.objects.count() == before


def test_a_rehearsal_is_taken_back_also_when_nested(make_mailbox: Callable[..., Mailbox]) -> None:
    before = Event.objects.count()
    with rehearsal():
        make_mailbox("inside")
        with rehearsal():
            make_mailbox("deeper")
        assert Mailbox.objects.filter(local_part="inside").exists()
        assert not Mailbox.objects.filter(local_part="deeper").exists()
    assert not Mailbox.objects.exists()
    assert Event.objects.count() == before
