"""Requests in the panel: the rule, invitations, searching, saying no to several."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from panel.web.request_rules import rule_sentence
from tenants.actions import domains, invitations
from tenants.actor import Actor
from tenants.models import AddressRequest, Domain, Invitation, RequestRules
from tests.tenants.requesting import ask_and_confirm, made_longer_ago
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
RULES = {
    "pattern": "*.*",
    "mail_domains": "home.example\nschool.example",
    "most": "20",
    "most_each": "1",
    "decide_within_days": "30",
}


@pytest.fixture
def open_domain(domain: Domain, alice: Actor) -> Domain:
    return domains.change_domain(actor=alice, domain=domain, requests="automatic")


def test_the_rule_is_said_in_words(as_alice: Client, open_domain: Domain) -> None:
    page = as_alice.get("/d/example.org/settings/requests")
    assert "a rule gives some" in text_of(page)
    assert "lapses after 30 days" in text_of(page)
    assert "0 of 20 addresses given" in text_of(page)
    assert as_alice.post("/d/example.org/settings/requests", RULES).status_code == 302
    rules = RequestRules.objects.get()
    assert (rules.pattern, rules.mail_domains) == ("*.*", ["home.example", "school.example"])
    page = as_alice.get("/d/example.org/settings/requests")
    assert "a name that fits “*.*” with its mail to home.example or school.example" in text_of(page)


def test_a_mistake_stands_beside_its_field(as_alice: Client, open_domain: Domain) -> None:
    wrong = {**RULES, "pattern": "[a]", "mail_domains": "home", "most": "0"}
    page = as_alice.post("/d/example.org/settings/requests", wrong)
    assert page.status_code == 400
    assert set(page.context["form"].errors) == {"most"}, "numbers first: the action was not asked"
    page = as_alice.post("/d/example.org/settings/requests", {**wrong, "most": "1"})
    assert set(page.context["form"].errors) == {"pattern", "mail_domains"}
    check_page(page)
    assert not RequestRules.objects.exists()


def test_without_days_it_waits_without_end(as_alice: Client, open_domain: Domain) -> None:
    as_alice.post("/d/example.org/settings/requests", {**RULES, "decide_within_days": ""})
    assert RequestRules.objects.get().decide_within_days is None
    assert "waits without end" in text_of(as_alice.get("/d/example.org/settings/requests"))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "A request for any free name gets a yes at once, up to 1 address for one person."),
        ({"mail_domains": ["a.example"], "most_each": 2}, "with its mail to a.example gets a yes"),
        ({"mail_domains": ["a.example", "b.example", "c.example"]}, "to a.example, b.example or c.example "),
        (
            {"mail_domains": [f"n{number}.example" for number in range(9)]},
            "to n0.example, n1.example, n2.example or one of 6 other domains",
        ),
    ],
)
def test_sentences_of_rules(values: dict[str, object], said: str) -> None:
    assert said in rule_sentence(RequestRules(**values))


def test_an_invitation_is_shown_once(as_alice: Client, domain: Domain) -> None:
    sent = {"note": "The intern", "uses": "2", "days": "7", "approved": "on"}
    page = as_alice.post("/d/example.org/requests/invitations", sent)
    check_page(page)
    [link] = re.findall(r"http\S+/invited/[\w-]{43}", page.content.decode())
    assert "nobody can show it again" in text_of(page)
    row = Invitation.objects.get()
    assert (row.approved, row.uses, row.note) == (True, 2, "The intern")
    listed = as_alice.get("/d/example.org/requests/invitations")
    assert link not in listed.content.decode()
    assert "1 invitation to example.org can be used." in text_of(listed)
    assert "0 of 2 uses" in text_of(listed)
    assert Client().get(link.partition("/invited")[1] + link.partition("/invited")[2]).status_code == 200


def test_an_invitation_is_withdrawn(as_alice: Client, alice: Actor, domain: Domain) -> None:
    row = invitations.make_invitation(actor=alice, domain=domain).invitation
    url = f"/d/example.org/requests/invitations/{row.pk}/withdraw"
    assert as_alice.post(url).status_code == 302
    page = as_alice.get("/d/example.org/requests/invitations")
    assert "Withdrawn" in text_of(page)
    assert "Withdraw the invitation" not in text_of(page)
    assert "withdrawn already" in text_of(as_alice.post(url, follow=True))
    assert as_alice.post(url.replace("example.org", "other.example")).status_code == 404


@pytest.fixture
def asked(open_domain: Domain, alice: Actor) -> Callable[..., list[AddressRequest]]:
    domains.change_domain(actor=alice, domain=open_domain, requests="moderated")

    def make(*names: str) -> list[AddressRequest]:
        return [ask_and_confirm(open_domain, name) for name in names]

    return make


def test_several_are_refused_at_once(as_alice: Client, asked: Callable[..., list[AddressRequest]]) -> None:
    rows = asked("ada", "bea", "cleo")
    page = as_alice.get("/requests")
    assert page.content.count(b'name="request"') == 3
    sent = {"request": [rows[0].pk, rows[1].pk], "reason": "We are full.", "next": "/d/example.org/requests"}
    answer = as_alice.post("/requests/refuse", sent)
    assert answer["Location"] == "/d/example.org/requests"
    assert "2 requests were refused" in text_of(as_alice.get(answer["Location"]))
    assert list(AddressRequest.objects.order_by("pk").values_list("status", "reason")) == [
        ("refused", "We are full."),
        ("refused", "We are full."),
        ("confirmed", ""),
    ]


def test_all_or_none_are_refused(as_alice: Client, asked: Callable[..., list[AddressRequest]]) -> None:
    rows = asked("ada", "bea")
    as_alice.post("/requests/refuse", {"request": [rows[0].pk], "reason": "No."})
    page = as_alice.post("/requests/refuse", {"request": [row.pk for row in rows], "reason": "Full."})
    assert page.status_code == 409
    assert "it is refused by Alice" in text_of(page)
    for wrong, told in (
        ({"reason": "Full."}, "No request was chosen"),
        ({"request": [rows[1].pk]}, "The reason is empty"),
        ({"request": ["9" * 30], "reason": "Full."}, "not there any more"),
        ({"request": ["x"], "reason": "Full."}, "not there any more"),
    ):
        page = as_alice.post("/requests/refuse", wrong)
        assert page.status_code == 400
        assert told in text_of(page)
        check_page(page)
    rows[1].refresh_from_db()
    assert rows[1].status == "confirmed"


def test_a_viewer_has_nothing_to_choose(as_bob: Client, asked: Callable[..., list[AddressRequest]]) -> None:
    asked("ada")
    page = as_bob.get("/d/example.org/requests")
    assert b'name="request"' not in page.content
    assert b"Refuse those" not in page.content


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ad", {"ada"}),
        ("q=ada@example.org", {"ada"}),
        ("q=bea@harbour", {"bea"}),
        ("q=b", {"bea"}),
        # Never inside of words, which would read all requests.
        ("q=harbour", set()),
        ("q=nobody", set()),
        ("only=waiting", {"bea"}),
        ("only=refused", {"ada"}),
        ("only=ended", set()),
        ("only=what", {"ada", "bea"}),
    ],
)
def test_searching(
    as_alice: Client, asked: Callable[..., list[AddressRequest]], query: str, found: set[str]
) -> None:
    rows = asked("ada", "bea")
    as_alice.post("/requests/refuse", {"request": [rows[0].pk], "reason": "No."})
    for url in ("/requests", "/d/example.org/requests"):
        page = text_of(as_alice.get(f"{url}?{query}"))
        shown = {
            name for name in ("ada", "bea") if f"{name}@example.org" in page.partition("Find a request")[2]
        }
        assert shown == found, page


def test_why_it_waits_stands_where_it_is_decided(as_alice: Client, open_domain: Domain) -> None:
    as_alice.post("/d/example.org/settings/requests", RULES)
    request = ask_and_confirm(open_domain, "grace")
    made_longer_ago(request, 1, "confirmed_at")
    for url in ("/requests", f"/requests/{request.pk}"):
        assert "“grace” does not fit the pattern “*.*”" in text_of(as_alice.get(url))
