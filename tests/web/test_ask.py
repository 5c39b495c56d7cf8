"""The public request page and the request's own page: the story, bad input, limits, nothing revealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants import limits
from tenants.actions import request_ends, requests
from tenants.actor import Actor
from tenants.models import (
    Account,
    AddressRequest,
    Allowance,
    Condition,
    Domain,
    Mailbox,
    OutgoingMail,
    SyncTarget,
)
from tests.conftest import HASH
from tests.web.people import check_page, link_in, mails_to, nothing_written, prove, signed_in, text_of

pytestmark = pytest.mark.django_db
ASK = "/ask/example.org"
GOOD = {"local_part": "grace", "target": "grace@home.example", "password_hash": HASH, "message": ""}


@pytest.fixture
def open_domain(domain: Domain) -> Domain:
    Domain.objects.filter(pk=domain.pk).update(requests=Domain.Requests.MODERATED)
    domain.refresh_from_db()
    return domain


@pytest.fixture
def relay(open_domain: Domain, make_relay: Callable[[], SyncTarget]) -> SyncTarget:
    """A relay repository, as connecting one leaves it."""
    return make_relay()


def submit(client: Client, **changed: str) -> Any:
    return client.post(ASK, {**GOOD, **changed})


def confirmed(client: Client) -> AddressRequest:
    submit(client)
    client.post(link_in(mails_to("grace@home.example")[-1], "/asked/confirm/"))
    return AddressRequest.objects.latest("pk")


def test_the_whole_story(client: Client, relay: SyncTarget, alice: Actor) -> None:
    page = client.get(ASK)
    check_page(page)
    assert "Analytical Society decides" in text_of(page)
    answer = submit(client, message="I wrote the compiler.")
    assert answer.status_code == 302
    asked = answer["Location"]
    check_page(client.get(asked))
    assert "open the mail that we sent to grace@home.example" in text_of(client.get(asked))

    confirm = link_in(mails_to("grace@home.example")[0], "/asked/confirm/")
    with nothing_written():
        check_page(client.get(confirm))
    assert "Do you want grace@example.org?" in text_of(client.get(confirm))
    assert "Thank you, that is confirmed" in text_of(client.post(confirm))
    assert "waits for the decision of Analytical Society" in text_of(client.get(asked))
    again = client.post(confirm)
    assert again.status_code == 200
    assert "This is confirmed already" in text_of(again)
    assert len(mails_to("alice@people.example")) == 1

    request = AddressRequest.objects.get()
    assert request.message == "I wrote the compiler."
    mailbox = requests.approve_request(actor=alice, request=request)
    shown = text_of(client.get(asked))
    assert "Yes: grace@example.org is yours." in shown
    assert "being written to the mail server" in shown
    assert "Written to the mail server, now" in shown

    target = prove(mailbox)
    Condition.objects.create(
        target=target,
        type=Condition.Type.RELOAD_PENDING,
        status=True,
        reason="RestartByHand",
        message="",
        since=target.marked_at,
        seen_at=target.marked_at,
    )
    shown = text_of(client.get(asked))
    assert "Written to the mail server, done" in shown
    assert "Works, now" in shown
    target.conditions.update(status=False)
    page = client.get(asked)
    assert "grace@example.org is yours, and it works" in text_of(page)
    assert "user name in a mail program is grace alone" in text_of(page)
    assert b"data-live-final" in page.content
    assert b"data-live-poll" not in page.content


def test_a_page_that_can_still_change_follows(client: Client, open_domain: Domain) -> None:
    asked = submit(client)["Location"]
    page = client.get(asked)
    assert f'data-live="" data-live-poll="{asked}/now"' in page.content.decode()
    with nothing_written():
        part = client.get(f"{asked}/now").content.decode()
    assert part.startswith('<section class="section" id="parcel"')
    assert "csrf" not in part
    assert part.strip() in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "answer"),
    [
        ("local_part", "grace/hopper", "contains a slash"),
        ("local_part", "Grace", "contains upper-case letters"),
        ("local_part", '"grace"', "contains a quotation mark"),
        ("local_part", ".grace", "begins with a dot"),
        ("local_part", "grace.", "ends with a dot"),
        ("local_part", "grace..h", "two dots in a row"),
        ("local_part", "gräce", "such an address could log in but never receive mail"),
        ("local_part", "g" * 65, "is 65 characters long; at most 64 fit"),
        ("local_part", "", "The local part is empty"),
        ("local_part", "grace\n", "contains a space or a line break"),
        ("local_part", "gra\0ce", "Character 4 of “gra\\0ce”"),
        ("local_part", "$(id)", "Character 1 of “$(id)” is “$”"),
        ("local_part", "gra\u202ece", "contains"),
        ("local_part", "grace@example.org", "contains an @"),
        ("target", "nobody", "has no @"),
        ("target", "grace@post", "is a single word"),
        ("target", "grace@example.org", "is in the same domain"),
        ("target", "a@x.example, b@y.example", "contains a space"),
        ("target", "a@x_y.example", "contains “_”"),
        ("target", "a@[192.0.2.1]", "names a machine by its number"),
        ("target", "a\0@x.example", "control character"),
        ("target", "a\n@x.example", "line break"),
        ("password_hash", "", "has 0 hex digits and needs exactly 128"),
        ("password_hash", "ab" * 32, "has 64 hex digits and needs exactly 128"),
        ("password_hash", "z" * 128, "128 characters that are no hex digits"),
        ("password_hash", "0" * 128, "fits no passphrase"),
        ("message", "one\0two", "NUL character"),
        ("message", "abc\u202edef", "changes the direction of text"),
        ("message", "x" * 501, "501 characters long; at most 500 fit"),
    ],
)
def test_bad_input_is_answered_beside_its_field_and_nothing_is_lost(
    client: Client, open_domain: Domain, field: str, value: str, answer: str
) -> None:
    page = submit(client, **{"message": "Please.", field: value})
    assert page.status_code == 400
    check_page(page)
    errors = page.context["form"].errors
    assert list(errors) == [field]
    assert answer in " ".join(errors[field])
    assert answer in text_of(page)
    form = page.context["form"]
    for name, typed in {**GOOD, "message": "Please.", field: value}.items():
        if name != "password_hash":
            assert form[name].value() == typed
    assert not AddressRequest.objects.exists()
    assert not OutgoingMail.objects.exists()
    # A refused one is not counted: who mistypes is not locked out.
    assert not Allowance.objects.exists()


def test_all_problems_are_told_at_once(client: Client, open_domain: Domain) -> None:
    page = submit(client, local_part="A", target="b", password_hash="c", message="\0")
    assert set(page.context["form"].errors) == {"local_part", "target", "password_hash", "message"}


def test_text_from_outside_stays_text(client: Client, open_domain: Domain) -> None:
    page = submit(client, local_part="<b>", target="<script>alert(1)</script>@x.example", message="<i>hi</i>")
    assert b"<script>alert" not in page.content
    assert b"<i>hi" not in page.content
    assert "<b>" not in page.content.decode().partition("<main")[2]


def test_the_passphrase_is_kept_when_another_field_was_wrong(client: Client, open_domain: Domain) -> None:
    page = submit(client, local_part="Grace")
    assert "passphrase that you had here is kept" in text_of(page)
    assert f'name="password_hash" value="{HASH}"' in page.content.decode()
    assert b"data-passphrase" not in page.content
    # Enter presses the first button of the form, which must be the one that sends it.
    first = page.content.decode().partition("<form")[2].partition("<button")[2].partition("</button>")[0]
    assert 'type="submit"' in first
    assert "name=" not in first
    # Choosing another one sends nothing, says nothing is wrong, and keeps the other fields.
    page = client.post(ASK, {**GOOD, "local_part": "Grace", "another_passphrase": "yes"})
    assert page.status_code == 200
    assert b"data-passphrase" in page.content
    assert HASH.encode() not in page.content
    assert page.context["form"]["local_part"].value() == "Grace"
    assert not page.context["form"].errors


def test_a_wrong_hash_is_never_written_back(client: Client, open_domain: Domain) -> None:
    page = submit(client, password_hash="deadbeef" * 3)
    assert b"deadbeef" not in page.content


def test_what_people_type_as_passphrase_has_no_name(client: Client, open_domain: Domain) -> None:
    body = client.get(ASK).content.decode()
    assert body.count('name="password_hash"') == 1
    assert 'type="password"' in body
    typed = (
        body.partition('type="password"')[0].rpartition("<input")[2]
        + body.partition('type="password"')[2].partition(">")[0]
    )
    assert "name=" not in typed


def test_spaces_around_are_forgiven(client: Client, open_domain: Domain) -> None:
    assert submit(client, local_part=" grace ", target=" grace@home.example ").status_code == 302
    assert AddressRequest.objects.get().local_part == "grace"


def test_a_closed_domain_has_no_page(client: Client, domain: Domain) -> None:
    for path in (ASK, "/ask/example.org/already", "/ask/nobody.example"):
        assert client.get(path).status_code == 404
    assert submit(client).status_code == 404
    assert not AddressRequest.objects.exists()


def test_a_taken_name_is_told_only_after_confirming(
    client: Client, open_domain: Domain, make_mailbox: Any
) -> None:
    make_mailbox("grace", "other@home.example")
    answer = submit(client)
    assert answer.status_code == 302
    asked = answer["Location"]
    assert "cannot be had" not in text_of(client.get(asked))
    confirm = link_in(mails_to("grace@home.example")[0], "/asked/confirm/")
    assert "grace@example.org cannot be had" in text_of(client.post(confirm))
    page = client.get(asked)
    assert "Not to be had, ended here" in text_of(page)
    assert "Ask for another address" in text_of(page)
    assert mails_to("alice@people.example") == []


def test_refused_with_the_reason(client: Client, open_domain: Domain, alice: Actor) -> None:
    asked = submit(client)["Location"]
    confirm = link_in(mails_to("grace@home.example")[0], "/asked/confirm/")
    client.post(confirm)
    requests.refuse_request(
        actor=alice, request=AddressRequest.objects.get(), reason="We <b>know</b> no Grace."
    )
    for path in (asked, confirm):
        page = client.get(path)
        check_page(page)
        assert "We &lt;b&gt;know&lt;/b&gt; no Grace." in page.content.decode()
    assert "Refused, ended here" in text_of(client.get(asked))
    assert not Mailbox.objects.exists()


def test_taking_it_back(client: Client, open_domain: Domain) -> None:
    asked = submit(client)["Location"]
    with nothing_written():
        page = client.get(f"{asked}/withdraw")
    check_page(page)
    assert "Take back your request for grace@example.org?" in text_of(page)
    answer = client.post(f"{asked}/withdraw", follow=True)
    assert "You took this request back. Nothing was made." in text_of(answer)
    request = AddressRequest.objects.get()
    assert (request.status, request.sealed_hash) == ("withdrawn", None)
    answer = client.post(f"{asked}/withdraw", follow=True)
    assert "there is nothing to take back" in text_of(answer)
    confirm = link_in(mails_to("grace@home.example")[0], "/asked/confirm/")
    assert "This request was taken back" in text_of(client.post(confirm))
    assert not Account.objects.filter(email="grace@home.example").exists()


def test_unknown_pages_and_links(client: Client) -> None:
    for path in ("/asked/nothing", "/asked/nothing/now", "/asked/nothing/withdraw"):
        assert client.get(path).status_code == 404
    page = client.get("/asked/confirm/nothing")
    assert page.status_code == 404
    check_page(page)
    assert "This link is not known" in text_of(page)
    assert client.post("/asked/confirm/nothing").status_code == 404
    assert client.post("/asked/nothing/withdraw").status_code == 404


def test_the_limit_of_a_target_keeps_what_was_typed(client: Client, open_domain: Domain) -> None:
    for number in range(limits.REQUESTS_PER_TARGET.count):
        assert submit(client, local_part=f"grace{number}").status_code == 302
    page = submit(client, local_part="one-more")
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 24 * 3600
    check_page(page)
    assert "asked to confirm several times today. Try again in 24 hours" in text_of(page)
    assert page.context["form"]["local_part"].value() == "one-more"
    assert submit(client, target="somebody@else.example").status_code == 302


def test_the_limit_of_a_network(client: Client, open_domain: Domain) -> None:
    for number in range(limits.REQUESTS_PER_NETWORK.count):
        assert submit(client, target=f"g{number}@home.example").status_code == 302
    assert submit(client, target="last@home.example").status_code == 429
    elsewhere = client.post(ASK, {**GOOD, "target": "last@home.example"}, REMOTE_ADDR="198.51.100.9")
    assert elsewhere.status_code == 302


def test_who_lost_the_link_finds_the_request_in_the_account(client: Client, open_domain: Domain) -> None:
    page = client.get(f"{ASK}/already")
    check_page(page)
    request = confirmed(client)
    shown = text_of(signed_in(request.account).get("/my"))
    assert "grace@example.org being decided" in shown
    assert "Analytical Society decides" in shown


def test_nobody_can_ask_without_the_csrf_token(open_domain: Domain) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(ASK, GOOD).status_code == 403
    assert not AddressRequest.objects.exists()


def test_a_request_that_nobody_confirmed_in_time(client: Client, open_domain: Domain, alice: Actor) -> None:
    timeline = submit(client)["Location"]
    link = link_in(mails_to("grace@home.example")[-1], "/asked/confirm/")
    AddressRequest.objects.update(asked_at=timezone.now() - timedelta(days=8))
    request_ends.expire_requests(actor=Actor.rookery())
    for page in (client.get(link), client.post(link)):
        check_page(page)
        assert "This request has expired" in text_of(page)
        assert f'href="{ASK}"' in page.content.decode()
    page = client.get(timeline)
    check_page(page)
    assert "Nobody pressed the button in our mail in time" in text_of(page)
    assert "data-live-poll" not in page.content.decode()
    row = AddressRequest.objects.get()
    page = signed_in(alice.account).get(f"/requests/{row.pk}")
    assert "grace@home.example did not confirm it in time" in text_of(page)
