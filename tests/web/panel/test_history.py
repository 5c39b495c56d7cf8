"""History and undo as a person meets them: before and after, a preview, a refusal with its reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from panel.web import history_download
from panel.web.history_download import unformulated
from tenants.actions import domain_roles, domains, mailboxes, targets
from tenants.actor import Actor, Via
from tenants.models import Domain, Event, Mailbox, SyncTarget
from tests.conftest import HASH, account
from tests.web.panel.world import Outside
from tests.web.people import nothing_written, signed_in, text_of

pytestmark = pytest.mark.django_db
HISTORY = "/d/example.org/addresses/ada/history"


@pytest.fixture
def mailbox(target: SyncTarget, make_mailbox: Callable[..., Mailbox], outside: Outside) -> Mailbox:
    row = make_mailbox()
    outside.reconcile(target)
    return row


def last() -> Event:
    return Event.objects.latest("pk")


def test_the_history_tells_before_and_after_who_how_and_the_proof(
    as_alice: Client, alice: Actor, mailbox: Mailbox, outside: Outside, target: SyncTarget
) -> None:
    program = replace(alice, via=Via.API, token="backup", ip="203.0.113.9")
    targets.add_target(actor=program, mailbox=mailbox, address="bea@home.example")
    mailboxes.set_passphrase(actor=alice, mailbox=mailbox, password_hash=HASH)
    outside.reconcile(target)
    page = as_alice.get(HISTORY)
    text = text_of(page)
    for said in (
        "Who gets the mail ada@home.example+ bea@home.example",
        "- set+ changed",
        "by Alice",
        "with a program",
        "token “backup”",
        "from 203.0.113.9",
        f"commit {outside.commit[:7]}",
        "Observed",
    ):
        assert said in text, said
    assert HASH not in page.content.decode()
    narrowed = text_of(as_alice.get(f"{HISTORY}?verb=passphrases"))
    assert "new passphrase" in narrowed
    assert "bea@home.example" not in narrowed
    assert "Nothing matches" in text_of(as_alice.get(f"{HISTORY}?to=2020-01-01"))
    assert "Nothing matches" not in text_of(as_alice.get(f"{HISTORY}?to=0001-01-01&from=not-a-day"))


def test_undo_shows_what_it_would_do_then_does_it(
    as_alice: Client, alice: Actor, mailbox: Mailbox, outside: Outside, target: SyncTarget
) -> None:
    mailboxes.trash_mailbox(actor=alice, mailbox=mailbox)
    outside.reconcile(target)
    event = last()
    with nothing_written():
        text = text_of(as_alice.get(f"/activity/{event.pk}"))
    assert "ada@example.org comes back from the trash as it was." in text
    assert "In the trashis nowyesbecomesno" in text
    answer = as_alice.post(f"/activity/{event.pk}/undo", follow=True)
    assert answer.redirect_chain == [("/d/example.org/addresses/ada", 302)]
    assert "Undone: ada@example.org came back from the trash." in text_of(answer)
    assert Mailbox.objects.get().trashed_at is None
    undone = text_of(as_alice.get(f"/activity/{event.pk}"))
    assert "Alice undid this already." in undone
    assert "was undone" in undone
    assert "undoes an earlier change" in text_of(as_alice.get(HISTORY))


def test_a_refusal_names_what_changed_since(as_alice: Client, alice: Actor, mailbox: Mailbox) -> None:
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="one")
    event = last()
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="<b>two</b>")
    page = as_alice.get(f"/activity/{event.pk}")
    text = text_of(page)
    assert "This cannot be undone now." in text
    assert "“Note” changed since: this made it “one”, now it is “<b>two</b>”." in text
    assert "<b>two" not in page.content.decode()
    answer = as_alice.post(f"/activity/{event.pk}/undo", follow=True)
    assert answer.redirect_chain == [(f"/activity/{event.pk}", 302)]
    assert "Undo the later change first" in text_of(answer)
    assert Mailbox.objects.get().note == "<b>two</b>"


def test_what_cannot_be_undone_says_so(as_alice: Client, domain: Domain) -> None:
    event = Event.objects.get(verb="create_domain")
    text = text_of(as_alice.get(f"/activity/{event.pk}"))
    assert "This cannot be undone.A domain cannot be deleted here." in text


def test_a_holder_sees_the_history_of_the_address_without_the_note_of_the_team(
    alice: Actor, as_charlie: Client, target: SyncTarget, make_mailbox: Callable[..., Mailbox]
) -> None:
    dora = account("dora")
    mailbox = make_mailbox(holder=dora)
    spied = replace(alice, ip="203.0.113.9")
    mailboxes.change_note(actor=spied, mailbox=mailbox, note="leaves in May")
    noted = last()
    mailboxes.set_passphrase(actor=spied, mailbox=mailbox, password_hash=HASH)
    event = last()
    as_dora = signed_in(dora)
    for url in (HISTORY, f"/activity/{event.pk}", f"/activity/{noted.pk}"):
        page = as_dora.get(url)
        assert page.status_code == 200
        assert "leaves in May" not in text_of(page)
        assert "203.0.113.9" not in text_of(page)
        assert as_charlie.get(url).status_code == 404
    download = as_dora.get("/activity/download?address=ada@example.org")
    assert b"leaves in May" not in download.content
    assert as_charlie.post(f"/activity/{event.pk}/undo").status_code == 404
    assert as_dora.post(f"/activity/{noted.pk}/undo").status_code == 403
    assert as_dora.post(f"/activity/{event.pk}/undo").status_code == 302
    assert last().undoes == event


def test_a_viewer_is_offered_no_undo(as_bob: Client, alice: Actor, mailbox: Mailbox) -> None:
    mailboxes.switch_mailbox(actor=alice, mailbox=mailbox, enabled=False)
    assert "Undo…" not in text_of(as_bob.get(HISTORY))
    assert "Ask an owner or manager." in text_of(as_bob.get(f"/activity/{last().pk}"))
    assert as_bob.post(f"/activity/{last().pk}/undo").status_code == 403


def test_domains_and_organizations_have_one_too(
    as_alice: Client, alice: Actor, domain: Domain, mailbox: Mailbox
) -> None:
    domains.change_domain(actor=alice, domain=domain, requests="moderated")
    for url in ("/d/example.org/activity", f"/o/{domain.organization.pk}/activity"):
        text = text_of(as_alice.get(url))
        assert "Who may ask for an address- closed+ moderated" in text
        assert "Undo…" in text
    assert f"/activity/{last().pk}" in as_alice.get("/activity").content.decode()


def test_the_download_is_safe_in_a_spreadsheet(
    as_alice: Client, as_charlie: Client, alice: Actor, mailbox: Mailbox
) -> None:
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="=HYPERLINK(1)")
    Event.objects.filter(pk=last().pk).update(sentence="=1+1", reason="@SUM(A1)")
    answer = as_alice.get("/activity/download?domain=example.org&verb=addresses")
    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {row["verb"] for row in rows} == {"create_mailbox", "change_note"}
    assert (rows[0]["sentence"], rows[0]["reason"]) == ("'=1+1", "'@SUM(A1)")
    assert rows[0]["changes"] == "note: nothing → =HYPERLINK(1)"
    assert [unformulated(each) for each in ("-1", "a", "\t=1")] == ["'-1", "a", "'\t=1"]
    others = as_charlie.get("/activity/download?organization=1")
    assert b"example.org" not in others.content
    theirs = as_charlie.get("/activity/download?address=ada@example.org")
    assert theirs.content.decode().count("\n") == 1


def test_the_download_has_lines_of_json_in_files_of_bounded_size(
    as_alice: Client, alice: Actor, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = replace(alice, via=Via.API, token="backup", ip="203.0.113.9")
    for note in ("one", "two", "three"):
        mailboxes.change_note(actor=program, mailbox=mailbox, note=note)
    mailboxes.change_note(actor=alice, mailbox=mailbox, note="four")
    monkeypatch.setattr(history_download, "MOST_ROWS", 2)
    url, found = "/activity/download?form=jsonl&via=api&domain=example.org", []
    while url:
        answer = as_alice.get(url)
        found.append([json.loads(line) for line in answer.content.decode().splitlines()])
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert [[each["after"]["note"] for each in page] for page in found] == [["three", "two"], ["one"]]
    assert (found[0][0]["ip"], found[0][0]["token"]) == ("203.0.113.9", "backup")


def test_a_part_in_one_domain_tells_nothing_of_the_team(
    alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    """Whoever runs addresses of a domain sees its organization, and is not of its team for that."""
    peter = account("peter")
    mailbox = make_mailbox(holder=peter)
    spied = replace(alice, ip="203.0.113.9")
    mailboxes.change_note(actor=spied, mailbox=mailbox, note="leaves in May")
    domain_roles.give_domain_role(actor=alice, domain=domain, email=peter.email, role="decider")
    as_peter = signed_in(peter)
    for url in (HISTORY, "/activity/download?address=ada@example.org&form=jsonl"):
        page = as_peter.get(url)
        assert page.status_code == 200
        assert b"203.0.113.9" not in page.content
        assert b"leaves in May" not in page.content
    assert b"leaves in May" not in as_peter.get("/activity").content
