"""Pages of aliases: making one with and without JavaScript, whom it reaches, its end, rules and names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import alias_rules, aliases, mailboxes
from tenants.actor import Actor
from tenants.models import AliasRules, Domain, HeldName, Mailbox
from tests.conftest import account
from tests.web.people import check_page, signed_in, text_of

pytestmark = pytest.mark.django_db
NEW = "/d/example.org/new-alias"


@pytest.fixture
def many(make_mailbox: Callable[..., Mailbox]) -> None:
    for number in range(25):
        make_mailbox(f"m{number:02}", f"m{number:02}@home.example")


@pytest.fixture
def as_dora(make_mailbox: Callable[..., Mailbox]) -> Client:
    """Holds dora@example.org and is in no team."""
    person = account("dora")
    make_mailbox("dora", "d@home.example", holder=person)
    return signed_in(person)


@pytest.fixture
def rules(alice: Actor, domain: Domain) -> AliasRules | None:
    return alias_rules.change_alias_rules(
        actor=alice, domain=domain, allowed=True, pattern="{own}-*", most_each=3, longest_days=30
    )


def test_finding_makes_nothing_and_forgets_nothing(as_alice: Client, many: None) -> None:
    typed = {
        "local_part": "team",
        "delivers_to": ["m01"],
        "targets": "own@home.example",
        "expires_on": "2030-01-31",
        "note": "Desk",
    }
    page = as_alice.post(NEW, {**typed, "q": "M2", "find": "1"})
    check_page(page)
    body = page.content.decode()
    assert page.status_code == 200
    assert 'value="m01" checked' in body
    assert [f'value="m2{number}"' in body for number in range(5)] == [True] * 5
    assert 'value="m03"' not in body
    assert 'value="team"' in body
    assert "own@home.example" in body
    assert 'value="2030-01-31"' in body
    assert not Mailbox.objects.filter(local_part="team").exists()
    made = as_alice.post(NEW, {**typed, "delivers_to": ["m01", "m20"], "q": "m2"})
    assert made["Location"] == "/d/example.org/addresses/team"
    alias = Mailbox.objects.get(local_part="team")
    assert [each.local_part for each in alias.delivers_to.order_by("fed_by__pk")] == ["m01", "m20"]
    assert alias.expires_at is not None
    assert alias.expires_at.isoformat() == "2030-02-01T00:00:00+00:00"


def test_with_javascript_only_the_boxes_come(as_alice: Client, many: None) -> None:
    page = as_alice.post(
        NEW,
        {"delivers_to": ["m01"], "q": "m1", "find": "1"},
        headers={"HX-Request": "true", "HX-Target": "mailbox-boxes"},
    )
    body = page.content.decode()
    assert body.startswith('<div id="mailbox-boxes"')
    assert "<form" not in body
    assert 'value="m01" checked' in body
    assert 'value="m19"' in body


def test_what_is_refused_stands_beside_what_was_typed(as_alice: Client, many: None) -> None:
    page = as_alice.post(NEW, {"local_part": "Team", "delivers_to": ["nobody"], "expires_on": "soon"})
    assert page.status_code == 400
    text = text_of(page)
    assert "“soon” is no day. Write it as year-month-day" in text
    page = as_alice.post(NEW, {"local_part": "Team", "delivers_to": ["nobody"]})
    text = text_of(page)
    assert "Use “team”" in text
    assert "There is no mailbox called “nobody” in example.org." in text
    check_page(page)


def test_a_person_makes_one_for_the_own_mailbox(as_dora: Client, rules: AliasRules, many: None) -> None:
    mailbox = as_dora.get("/d/example.org/addresses/dora")
    assert f'href="{NEW}?for=dora"' in mailbox.content.decode()
    page = as_dora.get(f"{NEW}?for=dora")
    check_page(page)
    body = page.content.decode()
    assert 'value="dora" checked' in body
    assert 'value="m01"' not in body
    assert 'value="dora-"' in body
    assert "for example dora-shop" in text_of(page)
    assert "You have 0 of 3." in text_of(page)
    refused = as_dora.post(NEW, {"local_part": "boss", "delivers_to": ["dora"]})
    assert "does not look like “{own}-*”" in text_of(refused)
    made = as_dora.post(NEW, {"local_part": "dora-shop", "delivers_to": ["dora"]})
    assert made["Location"] == "/d/example.org/addresses/dora-shop"
    own = as_dora.get(made["Location"])
    check_page(own)
    assert "Whom it reaches" in text_of(own)
    assert "Give it a passphrase" not in text_of(own)
    assert "Never give this name again" not in text_of(own)
    gone = as_dora.post("/d/example.org/addresses/dora-shop/trash")
    assert gone["Location"] == "/account"
    assert as_dora.get("/d/example.org/addresses/dora-shop").status_code == 404


def test_without_rules_a_person_is_told_whom_to_ask(as_dora: Client) -> None:
    page = as_dora.get(NEW)
    assert page.status_code == 403
    assert "In example.org only its team makes aliases." in text_of(page)
    assert "New alias" not in text_of(as_dora.get("/d/example.org/addresses/dora"))


def test_the_page_says_whom_it_reaches_and_why_not(
    as_alice: Client, alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox("ada", "ada@home.example")
    off = make_mailbox("off", "off@home.example")
    aliases.create_alias(
        actor=alice,
        domain=domain,
        local_part="team",
        delivers_to=["ada", "off"],
        targets=["own@home.example"],
    )
    mailboxes.switch_mailbox(actor=alice, mailbox=off, enabled=False)
    text = text_of(as_alice.get("/d/example.org/addresses/team"))
    assert "names 1 address: ada@home.example." in text
    assert "By off@example.org Not reached It is switched off." in text
    assert "By ada@example.org ada@home.example" in text
    listed = text_of(as_alice.get("/d/example.org/addresses?only=alias"))
    assert "ada and 2 others" in listed
    assert "Every other name: a catch-all" in listed
    assert "Unconfirmed 0" in listed
    assert "team@example.org" in text_of(as_alice.get("/d/example.org/addresses/ada"))


def test_choosing_other_mailboxes(
    as_alice: Client, alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    for name in ("ada", "bob"):
        make_mailbox(name, f"{name}@home.example")
    aliases.create_alias(actor=alice, domain=domain, local_part="team", delivers_to=["ada"])
    url = "/d/example.org/addresses/team/delivers-to"
    page = as_alice.get(url)
    check_page(page)
    assert 'value="ada" checked' in page.content.decode()
    assert as_alice.post(url, {"delivers_to": ["bob"]})["Location"] == "/d/example.org/addresses/team"
    refused = as_alice.post(url, {})
    assert refused.status_code == 400
    assert "It would reach nobody." in text_of(refused)
    assert as_alice.get("/d/example.org/addresses/ada/delivers-to").status_code == 404


def test_the_button_extends_and_opening_the_link_does_not(
    as_alice: Client, make_mailbox: Callable[..., Mailbox]
) -> None:
    mailbox = make_mailbox()
    end = timezone.now() + timedelta(days=3)
    Mailbox.objects.filter(pk=mailbox.pk).update(expires_at=end)
    url = "/d/example.org/addresses/ada/expiry"
    page = as_alice.get(url)
    check_page(page)
    mailbox.refresh_from_db()
    assert mailbox.expires_at == end
    assert as_alice.get(f"{url}/extend").status_code == 405
    as_alice.post(f"{url}/extend")
    mailbox.refresh_from_db()
    assert mailbox.expires_at is not None
    assert mailbox.expires_at > end + timedelta(days=80)
    as_alice.post(url, {"expires_on": ""})
    assert Mailbox.objects.get(pk=mailbox.pk).expires_at is None
    refused = as_alice.post(url, {"expires_on": "2001-01-01"})
    assert "That is past already." in text_of(refused)
    assert "nothing to extend" in text_of(as_alice.post(f"{url}/extend", follow=True))


def test_a_holder_reads_when_a_mailbox_ends_and_whom_to_ask(as_dora: Client) -> None:
    Mailbox.objects.update(expires_at=timezone.now() + timedelta(days=3))
    page = as_dora.get("/d/example.org/addresses/dora/expiry")
    assert "Whoever runs example.org can extend it." in text_of(page)
    assert "Extend</button>" not in page.content.decode()


def test_rules_are_said_in_a_sentence(as_alice: Client, domain: Domain) -> None:
    url = "/d/example.org/settings/aliases"
    assert "Nothing. Only your team makes aliases of example.org." in text_of(as_alice.get(url))
    typed = {"allowed": "on", "pattern": "{own}-*", "most_each": "5", "longest_days": "90"}
    assert as_alice.post(url, typed)["Location"] == url
    said = text_of(as_alice.get(url))
    assert (
        "may make up to 5 aliases like {own}-* for it, each for 90 days at most: ada can make ada-shop."
        in said
    )
    refused = as_alice.post(url, {**typed, "pattern": "(.+)+", "most_each": "many"})
    assert refused.status_code == 400
    as_alice.post(url, {**typed, "allowed": ""})
    assert not AliasRules.objects.exists()


def test_names_that_are_held_back(
    as_alice: Client, as_bob: Client, make_mailbox: Callable[..., Mailbox]
) -> None:
    make_mailbox()
    as_alice.post(
        "/d/example.org/addresses/ada/trash", {"never_again": "1", "reason": "Known to <b>spammers</b>"}
    )
    url = "/d/example.org/settings/names"
    page = as_alice.get(url)
    check_page(page)
    assert "ada@example.org: not given again" in text_of(page)
    assert "Known to <b>spammers</b>" in text_of(page)
    held = HeldName.objects.get(kind="never")
    assert "Take it off the list" not in text_of(as_bob.get(url))
    as_alice.post(f"{url}/{held.pk}/release")
    assert "not given again" not in text_of(as_alice.get(url))
    as_alice.post(url, {"local_part": "boss", "kind": "reserved", "reason": ""})
    assert HeldName.objects.get(local_part="boss").kind == "reserved"
