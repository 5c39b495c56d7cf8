"""From a stranger's wish to an address: every step once, nothing revealed, nobody faster than the owner."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tenants.actions import request_ends, requests
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
    assert [row.account for row in mailbox.holdings.all()] == [request.account]
    assert [row.confirmed_at is not None for row in mailbox.targets.all()] == [True]
    assert Opener().open(Purpose.MAILBOX_HASH, bytes(mailbox.sealed_hash or b"")) == HASH
    request.refresh_from_db()
    assert request.sealed_hash is None, "the hash lives in one place only"
    assert "approved" in newest_mail("grace@harbour.example")[1]


def test_braces_in_a_target_are_text(open_domain: Domain, alice: Actor) -> None:
    ask(open_domain, target="a{b}@harbour.example")
    requests.refuse_request(actor=alice, request=confirm("a{b}@harbour.example"), reason="No.")
    sentence = Event.objects.get(verb="refuse_request").sentence
    assert sentence.endswith("refused grace@example.org for a{b}@harbour.example.")


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


def hash_is_gone(request: AddressRequest) -> bool:
    return AddressRequest.objects.get(pk=request.pk).sealed_hash is None


def test_the_hash_is_gone_as_soon_as_a_request_has_ended(open_domain: Domain, alice: Actor) -> None:
    approved = ask(open_domain)
    assert not hash_is_gone(approved)
    confirm()
    assert not hash_is_gone(approved), "the decision still needs it"
    taken = ask(open_domain, target="second@harbour.example")
    requests.approve_request(actor=alice, request=AddressRequest.objects.get(pk=approved.pk))
    confirm("second@harbour.example")
    refused = ask(open_domain, "other", "third@harbour.example")
    requests.refuse_request(actor=alice, request=confirm("third@harbour.example"), reason="No.")
    statuses = AddressRequest.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["approved", "taken", "refused"]
    assert all(hash_is_gone(each) for each in (approved, taken, refused))


def test_the_database_keeps_no_hash_of_an_ended_request(open_domain: Domain) -> None:
    request = ask(open_domain)
    for status in set(AddressRequest.Status.values) - set(AddressRequest.OPEN):
        with pytest.raises(IntegrityError), transaction.atomic():
            AddressRequest.objects.filter(pk=request.pk).update(status=status)


def asked_before(request: AddressRequest, days: float) -> None:
    at = timezone.now() - timedelta(days=days)
    AddressRequest.objects.filter(pk=request.pk).update(asked_at=at)


def test_what_nobody_confirms_expires_and_what_was_confirmed_waits(open_domain: Domain) -> None:
    waiting, late, fresh = (ask(open_domain, name, f"{name}@harbour.example") for name in "abc")
    confirm("a@harbour.example")
    for request in (waiting, late):
        asked_before(request, 7.01)
    asked_before(fresh, 6.99)
    assert request_ends.expire_requests(actor=Actor.rookery()) == 1
    statuses = AddressRequest.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["confirmed", "expired", "asked"]
    assert hash_is_gone(late)
    assert not hash_is_gone(waiting)
    event = Event.objects.get(verb="expire_request")
    assert (event.before, event.after) == ({"status": "asked"}, {"status": "expired"})
    assert (event.domain, event.actor_name) == (open_domain, "Rookery")
    assert request_ends.expire_requests(actor=Actor.rookery()) == 0


def test_the_sweep_lets_requests_expire_some_at_a_time(
    open_domain: Domain, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers import sweeper

    settings.CONFIRM_WITHIN = timedelta(hours=1)
    monkeypatch.setattr(request_ends, "AT_ONCE", 2)
    for number in range(3):
        asked_before(ask(open_domain, f"n{number}", f"n{number}@harbour.example"), 0.1)
    sweeper.sweep()
    assert AddressRequest.objects.filter(status="expired").count() == 2
    sweeper.sweep()
    assert not AddressRequest.objects.exclude(status="expired").exists()


def test_a_link_pressed_too_late_confirms_nothing(open_domain: Domain) -> None:
    request = ask(open_domain)
    asked_before(request, 8)
    assert confirm().status == "expired"
    assert hash_is_gone(request)
    assert not Account.objects.filter(email=request.target).exists()


def test_nobody_but_rookery_lets_requests_expire(olga: Actor) -> None:
    with pytest.raises(Forbidden):
        request_ends.expire_requests(actor=olga)


def test_the_page_of_a_request_shows_its_token_in_no_repr(open_domain: Domain) -> None:
    submitted = requests.submit_request(
        actor=STRANGER, domain=open_domain, local_part="grace", target="g@harbour.example", password_hash=HASH
    )
    assert submitted.page_token not in repr(submitted)
    assert HASH not in repr(submitted) + repr(vars(submitted.request))
