"""From a stranger's wish to an address: every step once, nothing revealed, nobody faster than the owner."""

from __future__ import annotations

import re

import pytest

from tenants.actions import requests
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid, TooMany
from tenants.models import Account, AddressRequest, Allowance, Domain, Event, Mailbox, OutgoingMail
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH

pytestmark = pytest.mark.django_db
STRANGER = Actor(ip="192.0.2.7")


def newest_mail(recipient: str) -> tuple[OutgoingMail, str]:
    mail = OutgoingMail.objects.filter(recipient=recipient).latest("pk")
    assert mail.sealed_body is not None
    return mail, Opener().open(Purpose.MAIL_BODY, bytes(mail.sealed_body))


def link_token(recipient: str) -> str:
    _, body = newest_mail(recipient)
    found = re.search(r"https?://\S+/([\w-]{43})", body)
    assert found, body
    return found.group(1)


@pytest.fixture
def open_domain(domain: Domain) -> Domain:
    domain.requests = Domain.Requests.MODERATED
    domain.save(update_fields=["requests"])
    return domain


def ask(domain: Domain, local_part: str = "grace", target: str = "grace@harbour.example") -> AddressRequest:
    return requests.submit_request(
        actor=STRANGER, domain=domain, local_part=local_part, target=target, password_hash=HASH
    ).request


def confirm(target: str = "grace@harbour.example") -> AddressRequest:
    return requests.confirm_request(actor=STRANGER, confirm_token=link_token(target))


def test_the_whole_way(open_domain: Domain, alice: Actor) -> None:
    ask(open_domain)
    assert not Account.objects.filter(email="grace@harbour.example").exists()
    request = confirm()
    assert request.status == "confirmed"
    assert request.account
    assert request.account.email == "grace@harbour.example"
    mail, body = newest_mail("alice@people.example")
    assert "grace@example.org" in mail.subject
    assert f"/requests/{request.pk}" in body
    mailbox = requests.approve_request(actor=alice, request=request)
    assert str(mailbox) == "grace@example.org"
    assert mailbox.holder == request.account
    assert [row.confirmed_at is not None for row in mailbox.targets.all()] == [True]
    assert Opener().open(Purpose.MAILBOX_HASH, bytes(mailbox.sealed_hash or b"")) == HASH
    request.refresh_from_db()
    assert request.sealed_hash is None, "the hash lives in one place only"
    assert "approved" in newest_mail("grace@harbour.example")[1]


def test_confirming_twice_changes_nothing(open_domain: Domain) -> None:
    ask(open_domain)
    token = link_token("grace@harbour.example")
    requests.confirm_request(actor=STRANGER, confirm_token=token)
    count = Event.objects.count(), OutgoingMail.objects.count(), Account.objects.count()
    again = requests.confirm_request(actor=STRANGER, confirm_token=token)
    assert again.status == "confirmed"
    assert (Event.objects.count(), OutgoingMail.objects.count(), Account.objects.count()) == count


def test_an_unknown_link_is_absent(open_domain: Domain) -> None:
    with pytest.raises(Absent):
        requests.confirm_request(actor=STRANGER, confirm_token="x" * 43)
    with pytest.raises(Absent):
        requests.find_by_page("")


def test_two_owners_at_once_and_the_second_is_told_who_was_faster(
    open_domain: Domain, alice: Actor, olga: Actor
) -> None:
    ask(open_domain)
    request = confirm()
    stale = AddressRequest.objects.get(pk=request.pk)
    requests.refuse_request(actor=olga, request=request, reason="We do not know you.")
    with pytest.raises(Conflict, match="refused by Olga"):
        requests.approve_request(actor=alice, request=stale)
    assert not Mailbox.objects.exists()


def test_only_people_of_the_domain_decide(open_domain: Domain, bob: Actor, charlie: Actor) -> None:
    ask(open_domain)
    request = confirm()
    with pytest.raises(Forbidden):
        requests.approve_request(actor=bob, request=request)
    with pytest.raises(Absent):
        requests.approve_request(actor=charlie, request=request)
    with pytest.raises(Absent):
        requests.refuse_request(actor=Actor(), request=request, reason="no")
    request.refresh_from_db()
    assert request.status == "confirmed"


def test_taken_is_told_only_after_the_target_was_confirmed(open_domain: Domain, alice: Actor) -> None:
    ask(open_domain)
    requests.approve_request(actor=alice, request=confirm())
    second = ask(open_domain, target="other@harbour.example")
    assert second.status == "asked"
    assert confirm("other@harbour.example").status == "taken"


def test_an_unconfirmed_request_cannot_be_approved(open_domain: Domain, alice: Actor) -> None:
    request = ask(open_domain)
    with pytest.raises(Conflict):
        requests.approve_request(actor=alice, request=request)


def test_a_refusal_needs_a_reason(open_domain: Domain, alice: Actor) -> None:
    ask(open_domain)
    with pytest.raises(Invalid) as refused:
        requests.refuse_request(actor=alice, request=confirm(), reason="  ")
    assert refused.value.problems[0].field == "reason"


def test_withdrawn_by_its_own_page_only(open_domain: Domain) -> None:
    submitted = requests.submit_request(
        actor=STRANGER, domain=open_domain, local_part="grace", target="g@harbour.example", password_hash=HASH
    )
    requests.withdraw_request(actor=STRANGER, page_token=submitted.page_token)
    with pytest.raises(Conflict):
        requests.withdraw_request(actor=STRANGER, page_token=submitted.page_token)
    submitted.request.refresh_from_db()
    assert submitted.request.sealed_hash is None


def test_all_problems_at_once_and_nothing_is_written(open_domain: Domain) -> None:
    with pytest.raises(Invalid) as refused:
        requests.submit_request(
            actor=STRANGER,
            domain=open_domain,
            local_part="Grace",
            target="grace@example.org",
            password_hash="abc",
            message="hello\u202eworld",
        )
    assert {problem.field for problem in refused.value.problems} == {
        "local_part",
        "target",
        "password_hash",
        "message",
    }
    assert all(problem.fix for problem in refused.value.problems)
    assert not AddressRequest.objects.exists()
    assert not Allowance.objects.exists()


def test_a_closed_domain_has_no_page(domain: Domain) -> None:
    with pytest.raises(Absent):
        requests.open_domain("example.org")
    with pytest.raises(Absent):
        ask(domain)


def test_limits_by_target_and_network(open_domain: Domain) -> None:
    for number in range(3):
        ask(open_domain, local_part=f"name{number}")
    with pytest.raises(TooMany) as limited:
        ask(open_domain, local_part="name3")
    assert limited.value.retry_after > 0
    for number in range(6):
        ask(open_domain, local_part=f"more{number}", target=f"t{number}@harbour.example")
    with pytest.raises(TooMany, match="network"):
        ask(open_domain, local_part="last", target="last@harbour.example")
