"""Where mail goes, as pages tell it: on the address, in the checks of a domain, and the one button."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.actions import targets, warnings
from tenants.actor import Actor
from tenants.formats.exchanges import Answer, Dmarc, Exchanges
from tenants.models import Domain, Event, Mailbox
from tenants.secrets import Opener
from tests.exchanges import SHARED_HOST, dns_says, served, shared_pair
from tests.web.people import check_page, nothing_written, text_of
from workers.errands import likeness

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/addresses/ada"
CHECKS = "/d/example.org/checks"


@pytest.fixture
def ada(make_mailbox: Callable[..., Mailbox]) -> Mailbox:
    mailbox = make_mailbox(target="ada@north.shared.example")
    dns_says("north.shared.example", served(SHARED_HOST))
    return mailbox


def test_what_waits_says_so_and_the_page_follows(as_alice: Client, alice: Actor, ada: Mailbox) -> None:
    targets.add_target(actor=alice, mailbox=ada, address="ada@south.shared.example")
    with nothing_written():
        page = as_alice.get(PAGE)
    check_page(page)
    words = "Checking where mail of south.shared.example goes; until that is known, ada@south.shared.example"
    assert words in text_of(page)
    part = as_alice.get(f"/address/{ada.pk}/now").content.decode()
    assert "Checking where mail" in part
    assert "data-live-final" not in part
    assert "exchange-" not in part
    assert "Checking" in text_of(as_alice.get(CHECKS))
    dns_says("south.shared.example", served(SHARED_HOST))
    part = as_alice.get(f"/address/{ada.pk}/now").content.decode()
    assert "ada@south.shared.example gets no mail:" in part
    assert "I accept that risk" in part


def test_a_shared_server_is_refused_and_then_accepted(as_alice: Client, ada: Mailbox) -> None:
    dns_says("south.shared.example", served(SHARED_HOST))
    assert 'name="accept"' not in as_alice.get(PAGE).content.decode()
    sent = {"address": "ada@south.shared.example"}
    page = as_alice.post(f"{PAGE}/targets/add", sent)
    assert page.status_code == 400
    check_page(page)
    assert SHARED_HOST in text_of(page)
    assert 'name="accept"' in page.content.decode()
    as_alice.post(f"{PAGE}/targets/add", {**sent, "accept": "on"})
    assert ada.targets.get(address="ada@south.shared.example").exchange == "accepted"
    assert "Somebody of the team accepted that." in text_of(as_alice.get(PAGE))


def test_domains_that_came_to_share_have_a_button(as_alice: Client, ada: Mailbox) -> None:
    shared_pair(ada)
    warnings.review_address(actor=Actor.rookery(), mailbox=ada)
    page = as_alice.get(PAGE)
    check_page(page)
    assert "Mixed up" in text_of(page)
    assert "Mail goes on as before" in text_of(as_alice.get(CHECKS))
    answer = as_alice.post(f"{PAGE}/targets/accept", {"address": "south@south.shared.example"}, follow=True)
    assert "It stands in the log" in text_of(answer)
    assert Event.objects.filter(verb="accept_shared_exchange").exists()
    again = as_alice.post(f"{PAGE}/targets/accept", {"address": "south@south.shared.example"}, follow=True)
    assert "or that is accepted" in text_of(again)
    assert as_alice.post(f"{PAGE}/targets/accept", {"address": ""}).status_code == 404


def test_the_checks_of_a_domain(
    as_alice: Client, alice: Actor, domain: Domain, make_mailbox: Callable[..., Mailbox]
) -> None:
    empty = as_alice.get(CHECKS)
    check_page(empty)
    assert "example.org was not looked at yet." in text_of(empty)
    assert "goes astray" not in text_of(empty), "nobody knows yet"
    make_mailbox("one", target="x@nomx.example")
    make_mailbox("two", target="y@nomx.example")
    make_mailbox("three", target="z@strict.example")
    make_mailbox("four", target="z@fine.example")
    dns_says("nomx.example", Exchanges(Answer.ADDRESS_ONLY))
    dns_says("strict.example", served("mx.strict.example", dmarc=Dmarc.REJECT))
    dns_says("fine.example", served("mx.fine.example"))
    likeness.compare(Opener())
    with nothing_written():
        page = as_alice.get(CHECKS)
    check_page(page)
    text = text_of(page)
    assert "4 things to look at in example.org." in text
    assert "nomx.example has no MX record" in text
    assert "2 targets" in text
    assert "Strict DMARC" in text
    assert "fine.example" not in text
    assert text.index("nomx.example") < text.index("strict.example"), "what is lost comes first"


def test_a_reused_passphrase_is_told_to_each_by_their_right(
    as_alice: Client, alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    from tests.conftest import account
    from tests.web.people import signed_in

    holder = account("hanna")
    make_mailbox("ada", holder=holder)
    make_mailbox("bea")
    make_mailbox("cleo")
    likeness.compare(Opener())
    assert "used by 2 other addresses here too" in text_of(as_alice.get(PAGE))
    assert "bea@example.org, cleo@example.org" in text_of(as_alice.get(PAGE))
    theirs = text_of(signed_in(holder).get(PAGE))
    assert "used by 2 other addresses here too" in theirs
    assert "bea@example.org" not in theirs
