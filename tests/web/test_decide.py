"""The pages behind the links of deciders and of invitations: looking does nothing, dead links are alike."""

from __future__ import annotations

import pytest
from django.test import Client

from tenants.actions import domains, invitations
from tenants.actor import Actor
from tenants.models import AddressRequest, DecisionLink, Domain, Mailbox
from tests.conftest import HASH, account
from tests.tenants.requesting import ask_and_confirm, made_longer_ago, token_in_mail
from tests.web.people import check_page, link_in, mails_to, text_of

pytestmark = pytest.mark.django_db
ASKED = {"local_part": "grace", "target": "grace@home.example", "password_hash": HASH}


@pytest.fixture
def open_domain(domain: Domain, alice: Actor) -> Domain:
    return domains.change_domain(actor=alice, domain=domain, requests="moderated")


@pytest.fixture
def link(open_domain: Domain) -> str:
    ask_and_confirm(open_domain)
    return f"/decide/{token_in_mail('alice@people.example', 'decide')}"


def test_looking_decides_nothing(client: Client, link: str) -> None:
    for method in (client.get, client.head, client.get):
        assert method(link).status_code == 200
    page = client.get(link)
    check_page(page)
    assert "Shall grace@harbour.example get grace@example.org?" in text_of(page)
    assert "You decide as Alice" in text_of(page)
    assert AddressRequest.objects.get().status == "confirmed"
    assert "_auth_user_id" not in client.session


def test_yes(client: Client, link: str) -> None:
    page = client.post(link, {"decision": "approve"})
    assert page.status_code == 200
    assert "grace@example.org was approved" in text_of(page)
    assert Mailbox.objects.get().local_part == "grace"
    assert "_auth_user_id" not in client.session
    for method in (client.get, client.post):
        assert method(link).status_code == 404


def test_no_needs_a_reason(client: Client, link: str) -> None:
    page = client.post(link, {"decision": "refuse", "reason": ""})
    assert page.status_code == 400
    assert "The reason is empty" in text_of(page)
    check_page(page)
    page = client.post(link, {"decision": "refuse", "reason": "We are full."})
    assert "We are full." in text_of(page)
    assert AddressRequest.objects.get().reason == "We are full."


@pytest.mark.parametrize("decision", ["", "yes", "APPROVE"])
def test_only_the_two_buttons_decide(client: Client, link: str, decision: str) -> None:
    page = client.post(link, {"decision": decision, "reason": "x"})
    assert page.status_code == 400
    assert "Press one of the two" in text_of(page)
    assert AddressRequest.objects.get().status == "confirmed"


def test_what_the_member_may_not_do_the_link_may_not(client: Client, link: str) -> None:
    person = account("root2", is_staff=True)
    person.email = "grace@example.org"
    person.save()
    page = client.post(link, {"decision": "approve"})
    assert page.status_code == 403
    assert "is how somebody signs in here" in text_of(page)
    assert not Mailbox.objects.exists()
    assert client.get(link).status_code == 200


def test_a_full_organization_is_said_and_the_link_stays(client: Client, link: str, domain: Domain) -> None:
    type(domain.organization).objects.update(mailbox_quota=0)
    page = client.post(link, {"decision": "approve"})
    assert page.status_code == 400
    assert "has 0 of 0 addresses" in text_of(page)
    assert client.get(link).status_code == 200


def test_dead_links_are_alike(client: Client, link: str) -> None:
    unknown = client.get(f"/decide/{'x' * 43}")
    DecisionLink.objects.all().delete()
    for answer in (client.get(link), client.post(link, {"decision": "approve"})):
        assert answer.status_code == 404
        assert text_of(answer) == text_of(unknown)


def test_the_requester_sees_each_step(client: Client, open_domain: Domain) -> None:
    asked = client.post("/ask/example.org", ASKED)["Location"]
    client.post(link_in(mails_to("grace@home.example")[-1], "/asked/confirm/"))
    page = text_of(client.get(asked))
    assert "Without an answer it ends by itself" in page
    assert "Reminded" not in page
    from tenants.actions import deciders, request_ends

    request = AddressRequest.objects.get()
    made_longer_ago(request, 4)
    deciders.remind_deciders(actor=Actor.rookery())
    now = client.get(f"{asked}/now")
    assert "Reminded, done" in text_of(now)
    assert "Alice" not in text_of(now)
    made_longer_ago(request, 30)
    request_ends.expire_requests(actor=Actor.rookery())
    ended = client.get(f"{asked}/now")
    assert "did not decide in time" in text_of(ended)
    assert "/ask/example.org?name=grace" in ended.content.decode()
    assert 'value="grace"' in client.get("/ask/example.org?name=grace").content.decode()


# Invitations ---------------------------------------------------------------------------------------------


@pytest.fixture
def invited(domain: Domain, alice: Actor) -> str:
    made = invitations.make_invitation(actor=alice, domain=domain, local_part="grace", approved=True)
    return "/invited/" + made.url.rpartition("/")[2]


def test_an_invitation_opens_a_closed_domain_once(client: Client, invited: str) -> None:
    for _ in range(2):
        page = client.get(invited)
        check_page(page)
        assert "You are invited to grace@example.org" in text_of(page)
    assert b'name="local_part"' not in page.content
    asked = client.post(invited, {"target": "grace@home.example", "password_hash": HASH})
    assert asked.status_code == 302
    assert client.get(invited).status_code == 404
    confirm = link_in(mails_to("grace@home.example")[-1], "/asked/confirm/")
    assert "said yes beforehand" in text_of(client.post(confirm))
    assert "said yes beforehand" in text_of(client.get(asked["Location"]))
    assert Mailbox.objects.get().local_part == "grace"


def test_a_mistake_uses_nothing_up(client: Client, invited: str) -> None:
    page = client.post(invited, {"target": "grace", "password_hash": HASH})
    assert page.status_code == 400
    assert "has no @" in text_of(page)
    assert client.get(invited).status_code == 200


def test_dead_invitations_are_alike(client: Client, invited: str) -> None:
    client.post(invited, {"target": "grace@home.example", "password_hash": HASH})
    unknown = f"/invited/{'x' * 43}"
    pages = [
        client.get(invited),
        client.get(unknown),
        client.post(invited, ASKED),
        client.post(unknown, ASKED),
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({text_of(page) for page in pages}) == 1
