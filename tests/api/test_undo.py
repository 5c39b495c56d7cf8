"""Undo and the trash by a program: preview, undo, refusal with the fields, delete for good."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import F

from tenants.actions import accounts, mailboxes, repositories
from tenants.actor import Actor
from tenants.models import Domain, Event, Mailbox, SyncTarget
from tests.api.client import Api
from tests.conftest import account

pytestmark = pytest.mark.django_db
MakeMailbox = Callable[..., Mailbox]


@pytest.fixture
def api(alice: Actor) -> Api:
    _, key = accounts.create_token(actor=alice, name="backup")
    return Api(key)


def last() -> Event:
    return Event.objects.latest("pk")


def test_preview_undo_and_redo(api: Api, alice: Actor, make_mailbox: MakeMailbox) -> None:
    mailboxes.change_note(actor=alice, mailbox=make_mailbox(), note="new")
    event = last()
    address = f"/api/v1/events/{event.pk}/undo/"
    shown = api.get(address).json()
    assert shown == {
        "possible": True,
        "sentence": "The note of ada@example.org becomes what it was before.",
        "reason": "",
        "differences": [{"name": "note", "before": "", "after": "new", "now": "new", "changed_since": False}],
    }
    dry = api.post(f"{address}?dry_run=true")
    assert (dry.status_code, dry.json()["id"], dry.json()["undoes"]) == (200, None, event.pk)
    assert Mailbox.objects.get().note == "new"
    done = api.post(address)
    assert done.status_code == 201
    undone = done.json()
    assert (undone["verb"], undone["undoes"], undone["after"]) == ("change_note", event.pk, {"note": ""})
    assert api.get(done["Location"]).json() == undone
    assert api.get(f"/api/v1/events/{event.pk}/").json()["undone_by"] == undone["id"]
    assert Mailbox.objects.get().note == ""
    again = api.post(address)
    assert again.status_code == 409
    assert "undid this already" in again.json()["detail"]
    assert api.post(f"/api/v1/events/{undone['id']}/undo/").status_code == 201
    assert Mailbox.objects.get().note == "new"


def test_a_refusal_names_the_fields_that_changed_since(
    api: Api, alice: Actor, make_mailbox: MakeMailbox
) -> None:
    mailbox = make_mailbox()
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="one")
    event = last()
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="two")
    refused = api.post(f"/api/v1/events/{event.pk}/undo/")
    assert refused.status_code == 409
    [problem] = refused.json()["problems"]
    assert problem == {
        "field": "note",
        "problem": "It became “one” then, and is “two” now.",
        "fix": "Undo the later change first, or change it by hand.",
    }
    shown = api.get(f"/api/v1/events/{event.pk}/undo/").json()
    assert not shown["possible"]
    assert shown["differences"][0]["changed_since"]


def test_a_holder_reads_the_events_of_the_address(alice: Actor, make_mailbox: MakeMailbox) -> None:
    dora = account("dora")
    mailbox = make_mailbox(holder=dora)
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="leaves in May")
    _, key = accounts.create_token(actor=Actor(account=dora), name="mine")
    mine = Api(key)
    assert mine.get("/api/v1/events/").json()["results"] == []
    found = mine.get("/api/v1/events/?mailbox=ada@example.org").json()["results"]
    assert [each["verb"] for each in found] == ["change_note", "confirm_target", "create_mailbox"]
    assert found[0]["after"] == {}
    assert mine.get("/api/v1/events/?mailbox=nobody@example.org").json()["results"] == []


def test_the_trash_says_what_is_gone_and_empties(
    api: Api, alice: Actor, domain: Domain, make_mailbox: MakeMailbox
) -> None:
    repositories.connect_repository(actor=alice, domain=domain, host="git.example.org", path="relay.git")
    for name in ("ada", "bea"):
        mailboxes.trash_mailbox(actor=alice, mailbox=make_mailbox(name))
    [bea, ada] = api.get("/api/v1/domains/example.org/trash/").json()["results"]
    assert (bea["address"], bea["gone"], ada["gone"]) == ("bea@example.org", False, False)
    purge = {"address": "ada@example.org"}
    assert api.post("/api/v1/mailboxes/ada@example.org/purge/", purge).status_code == 409
    SyncTarget.objects.update(observed_generation=F("generation"))
    assert all(each["gone"] for each in api.get("/api/v1/domains/example.org/trash/").json()["results"])
    wrong = api.post("/api/v1/mailboxes/ada@example.org/purge/", {"address": "ada"})
    assert (wrong.status_code, wrong.json()["problems"][0]["field"]) == (400, "address")
    done = api.post("/api/v1/mailboxes/ada@example.org/purge/", purge)
    assert (done.status_code, done.json()) == (200, {"deleted": 1, "left": 1})
    assert api.get("/api/v1/mailboxes/ada@example.org/").status_code == 404
    emptied = api.post("/api/v1/domains/example.org/trash/empty/", {"domain": "example.org"})
    assert emptied.json() == {"deleted": 1, "left": 0}


def test_the_days_are_a_setting_of_the_domain(api: Api, domain: Domain) -> None:
    assert api.get("/api/v1/domains/example.org/").json()["trash_days"] == 30
    assert api.patch("/api/v1/domains/example.org/", {"trash_days": 7}).json()["trash_days"] == 7
    refused = api.patch("/api/v1/domains/example.org/", {"trash_days": 0, "requests": "moderated"})
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (400, "trash_days")
    domain.refresh_from_db()
    assert (domain.trash_days, domain.requests) == (7, "closed")
