"""Everything of which there is a most, wanted by several at the same moment: the last one is given once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from tenants import limits
from tenants.actions import (
    accounts,
    domain_offers,
    domain_roles,
    domains,
    holders,
    invitations,
    organizations,
    second_factors,
    service_tokens,
    sign_ins,
    signing_keys,
)
from tenants.actions.token_rows import Wish
from tenants.actor import Actor
from tenants.formats import one_time_codes
from tenants.models import (
    Allowance,
    ApiToken,
    Domain,
    DomainOffer,
    DomainRole,
    Holding,
    Invitation,
    Mailbox,
    Membership,
    Organization,
    SigningKey,
)
from tests.tenants.test_at_once import at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("one", "two", "three")
LIMIT = limits.Limit("tried-at-once", 2, timedelta(hours=1), "That is too often.")


def now_of(organization: Organization) -> Organization:
    return Organization.objects.get(pk=organization.pk)


def _person(actor: Actor, domain: Domain, name: str) -> Any:
    return organizations.add_member(
        actor=actor, organization=domain.organization, email=f"{name}@people.example", role="viewer"
    )


def _key_of_its_own(actor: Actor, domain: Domain, name: str) -> Any:
    return service_tokens.create_service_token(
        actor=actor, organization=domain.organization, role="viewer", wish=Wish(name=name)
    )


def _domain(actor: Actor, domain: Domain, name: str) -> Any:
    return domains.create_domain(actor=actor, organization=domain.organization, name=f"{name}.example")


def _own_key(actor: Actor, domain: Domain, name: str) -> Any:
    return accounts.create_token(actor=actor, name=name)


def _invitation(actor: Actor, domain: Domain, name: str) -> Any:
    return invitations.make_invitation(actor=actor, domain=domain, note=name)


def _part(actor: Actor, domain: Domain, name: str) -> Any:
    return domain_roles.give_domain_role(
        actor=actor, domain=domain, email=f"{name}@people.example", role="observer"
    )


def _signing_key(actor: Actor, domain: Domain, name: str) -> Any:
    return signing_keys.make_signing_key(actor=actor, domain=domain, selector=name)


def _holder(actor: Actor, domain: Domain, name: str) -> Any:
    mailbox = Mailbox.objects.select_related("domain__organization").get()
    return holders.add_holder(actor=actor, mailbox=mailbox, email=f"{name}@people.example")


# What makes one, how its most becomes one more than there are, and what is counted.
Case = tuple[Callable[[Actor, Domain, str], Any], str, Any]
MOSTS: dict[str, Case] = {
    "people": (_person, "member_quota", Membership.objects),
    "keys of an organization": (_key_of_its_own, "token_quota", ApiToken.objects),
    "domains": (_domain, "domain_quota", Domain.objects),
    "own keys": (_own_key, "tenants.actions.accounts.MAX_TOKENS", ApiToken.objects),
    "invitations": (_invitation, "tenants.actions.invitations.MOST_OPEN", Invitation.objects),
    "parts": (_part, "tenants.actions.domain_roles.MOST_ROLES", DomainRole.objects),
    "keys for DKIM": (_signing_key, "tenants.actions.signing_keys.MOST", SigningKey.objects),
    "holders": (_holder, "tenants.actions.holders.MAX_HOLDERS", Holding.objects),
}


@pytest.mark.parametrize("what", MOSTS)
def test_the_last_one_is_given_once(
    what: str,
    alice: Actor,
    make_mailbox: Callable[..., Mailbox],
    domain: Domain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_mailbox()
    make, most, rows = MOSTS[what]
    there = rows.count()
    if most.endswith("_quota"):
        Organization.objects.filter(pk=domain.organization_id).update(**{most: there + 1})
    else:
        monkeypatch.setattr(most, there + 1)
    stale = [Domain.objects.select_related("organization").get(pk=domain.pk) for _ in NAMES]
    results = at_once(*(partial(make, alice, *each) for each in zip(stale, NAMES, strict=True)))
    assert len(refusals(results)) == len(NAMES) - 1
    assert rows.count() == there + 1


@pytest.mark.parametrize("row", ["none yet", "used once", "of an hour ago"])
def test_a_rate_is_counted_exactly(row: str) -> None:
    left = LIMIT.count
    if row == "used once":
        limits.spend(LIMIT, "x")
        left -= 1
    elif row == "of an hour ago":
        for _ in range(LIMIT.count):
            limits.spend(LIMIT, "x")
        Allowance.objects.update(since=timezone.now() - LIMIT.window)
    results = at_once(*[partial(limits.spend, LIMIT, "x")] * 5)
    assert refusals(results) == ["TooMany"] * (5 - left)


def test_a_code_signs_in_once(alice: Actor) -> None:
    """A recovery code and one of the app, each typed in several browsers at the same moment."""
    assert alice.account is not None
    seed = second_factors.begin_code_app(actor=alice)
    now = one_time_codes.step_at(timezone.now().timestamp())
    recovery = second_factors.confirm_code_app(actor=alice, code=one_time_codes.code_at(seed, now - 1))
    for code in (recovery[0], one_time_codes.code_at(seed, now)):
        sign_in = partial(sign_ins.sign_in_with_code, actor=Actor(), account=alice.account, code=code)
        assert refusals(at_once(*[sign_in] * 3)) == ["Invalid"] * 2


def test_wrong_codes_at_once_are_counted_each_and_a_wrong_password_once(alice: Actor) -> None:
    assert alice.account is not None
    second_factors.begin_code_app(actor=alice)
    used = f"{limits.CODES_PER_ACCOUNT.name}:"
    codes = [
        partial(sign_ins.sign_in_with_code, actor=Actor(), account=alice.account, code=f"{number:06}")
        for number in range(4)
    ]
    assert refusals(at_once(*codes)) == ["Invalid"] * 4
    assert Allowance.objects.get(key__startswith=used).used == 4
    password = partial(
        sign_ins.sign_in_with_password, actor=Actor(), email=alice.account.email, password="not this one"
    )
    assert refusals(at_once(*[password] * 4)) == ["Invalid"] * 4
    used = f"{limits.PASSWORDS_PER_ACCOUNT.name}:"
    assert Allowance.objects.get(key__startswith=used).used == 1


def test_a_domain_is_offered_once_and_taken_back_or_accepted(
    alice: Actor, charlie: Actor, domain: Domain
) -> None:
    rows = Domain.objects.select_related("organization")
    results = at_once(*(partial(domain_offers.offer_domain, actor=alice, domain=rows.get()) for _ in "ab"))
    assert refusals(results) == ["Conflict"]
    assert DomainOffer.objects.count() == 1
    [given] = [each for each in results if isinstance(each, domain_offers.Offered)]
    works = Organization.objects.get(name="Difference Works")
    results = at_once(
        partial(domain_offers.accept_offer, actor=charlie, code=given.code, organization=works),
        partial(domain_offers.take_back_offer, actor=alice, domain=rows.get()),
    )
    assert refusals(results) == ["Absent"]
    assert not DomainOffer.objects.exists()
    moved = rows.get().organization == works
    assert [now_of(each).domain_count for each in (domain.organization, works)] == (
        [0, 1] if moved else [1, 0]
    )
