"""One link pressed twice at the same moment, in real transactions: it counts once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tenants import tokens
from tenants.actions import accounts, requests, targets
from tenants.actor import Actor
from tenants.models import (
    Account,
    AddressRequest,
    Domain,
    Event,
    Mailbox,
    OutgoingMail,
    SignInLink,
    TargetAddress,
)
from tests.conftest import HASH
from tests.tenants.test_at_once import at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4


def test_a_sign_in_link_signs_in_once() -> None:
    for number in range(ROUNDS):
        _, url = accounts.create_operator(actor=Actor.rookery(), email=f"n{number}@people.example")
        token = url.rpartition("/")[2]
        results = at_once(*[partial(accounts.redeem_sign_in_link, actor=Actor(), token=token)] * 3)
        assert refusals(results) == ["Absent", "Absent"]
        assert Event.objects.filter(verb="sign_in").count() == number + 1
    assert SignInLink.objects.exclude(used_at=None).count() == ROUNDS


@pytest.fixture
def confirmation(domain: Domain) -> str:
    """The token in the mail about a request for grace@."""
    Domain.objects.update(requests="moderated")
    requests.submit_request(
        actor=Actor(), domain=domain, local_part="grace", target="g@home.example", password_hash=HASH
    )
    token = tokens.new_token()
    AddressRequest.objects.update(confirm_digest=tokens.digest(token))
    return token


def test_a_request_is_confirmed_once(confirmation: str) -> None:
    mails = OutgoingMail.objects.count()
    results = at_once(*[partial(requests.confirm_request, actor=Actor(), confirm_token=confirmation)] * 3)
    assert [each.status for each in results] == ["confirmed"] * 3  # type: ignore[attr-defined]
    assert Event.objects.filter(verb="confirm_request").count() == 1
    assert Account.objects.filter(email="g@home.example").count() == 1
    # The one owner is told once.
    assert OutgoingMail.objects.count() == mails + 1


def test_confirmed_and_taken_back_at_once_is_one_of_both(domain: Domain, confirmation: str) -> None:
    page = tokens.new_token()
    AddressRequest.objects.update(page_digest=tokens.digest(page))
    results = at_once(
        partial(requests.confirm_request, actor=Actor(), confirm_token=confirmation),
        partial(requests.withdraw_request, actor=Actor(), page_token=page),
    )
    assert refusals(results) == []
    request = AddressRequest.objects.get()
    # Taking back wins in either order, and the passphrase's hash is gone.
    assert (request.status, request.sealed_hash) == ("withdrawn", None)
    assert Event.objects.filter(verb="withdraw_request").count() == 1


def test_a_target_confirms_once(make_mailbox: Callable[..., Mailbox]) -> None:
    mailbox = make_mailbox()
    token = tokens.new_token()
    TargetAddress.objects.update(digest=tokens.digest(token), confirmed_at=None, source="")
    before = Event.objects.filter(verb="confirm_target").count()
    results = at_once(*[partial(targets.confirm_target, actor=Actor(), token=token)] * 3)
    assert refusals(results) == []
    assert Event.objects.filter(verb="confirm_target").count() == before + 1
    assert mailbox.targets.get().confirmed_at is not None
