"""Keys of an organization: they outlive who made them, are nobody's sign-in, and end when unused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.access import Verb, may, visible_to
from tenants.actions import accounts, organizations, own_account
from tenants.actions.service_tokens import create_service_token, revoke_service_token
from tenants.actions.token_rows import NOTED_EVERY, Wish, find_token
from tenants.actor import Actor
from tenants.errors import Conflict, FactorNeeded, Forbidden, Invalid
from tenants.models import (
    Account,
    ApiToken,
    Domain,
    Event,
    Membership,
    Organization,
    OutgoingMail,
    SignInLink,
)
from tests.world import add_member

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def made(alice: Actor, organization: Organization, **wish: object) -> tuple[ApiToken, str]:
    wanted = Wish("nightly import", **wish)  # type: ignore[arg-type]
    return create_service_token(actor=alice, organization=organization, role="manager", wish=wanted)


def test_it_goes_on_when_its_maker_leaves(alice: Actor, organization: Organization, domain: Domain) -> None:
    add_member(organization, "amy@people.example", "owner")
    row, key = made(alice, organization)
    mine, my_key = accounts.create_token(actor=alice, name="mine")
    assert mine.account != row.account
    own_account.delete_account(actor=alice)
    assert find_token(my_key) is None
    found = find_token(key)
    assert found is not None
    program = Actor(account=found.account, token=found.name, organization_id=found.organization_id)
    assert list(visible_to(program, Domain)) == [domain]
    assert not program.is_operator


def test_nobody_signs_in_as_it_and_no_mail_is_for_it(alice: Actor, organization: Organization) -> None:
    row, _ = made(alice, organization)
    OutgoingMail.objects.all().delete()
    accounts.ask_for_sign_in_link(actor=Actor(ip="192.0.2.1"), email=row.account.email)
    with pytest.raises(Invalid, match="a program's"):
        organizations.add_member(
            actor=alice, organization=organization, email=row.account.email, role="owner"
        )
    accounts.warn(alice, row.account, "x", "y")
    assert not SignInLink.objects.exists()
    assert not OutgoingMail.objects.exists()
    assert not row.account.has_usable_password()
    organization.second_factor_required = True
    organization.save()
    with pytest.raises(FactorNeeded):
        made(alice, organization)


def test_it_is_no_owner_that_an_organization_could_be_left_to(
    alice: Actor, organization: Organization
) -> None:
    create_service_token(actor=alice, organization=organization, role="owner", wish=Wish("all"))
    membership = Membership.objects.get(account=alice.account)
    with pytest.raises(Invalid, match="last owner"):
        organizations.remove_member(actor=alice, membership=membership)
    with pytest.raises(Conflict, match="last owner"):
        own_account.delete_account(actor=alice)


def test_owners_make_and_revoke_it_and_the_log_says_so(alice: Actor, organization: Organization) -> None:
    mona = add_member(organization, "mona@people.example", "manager")
    with pytest.raises(Forbidden):
        made(Actor(account=mona.account), organization)
    with pytest.raises(Forbidden):
        made(Actor(account=alice.account, token="k"), organization)
    with pytest.raises(Invalid, match="no role"):
        create_service_token(actor=alice, organization=organization, role="king", wish=Wish("x"))
    row, key = made(alice, organization, idle_days=3)
    membership = Membership.objects.get(account=row.account)
    assert not may(Actor(account=mona.account), Verb.DELETE, membership)
    with pytest.raises(Conflict, match="a program"):
        organizations.remove_member(actor=alice, membership=membership)
    with pytest.raises(Conflict, match="is a person"):
        revoke_service_token(actor=alice, membership=mona)
    revoke_service_token(actor=alice, membership=membership)
    assert find_token(key) is None
    assert not Account.objects.filter(is_service=True).exists()
    told = Event.objects.filter(verb__endswith="_service_token").order_by("pk")
    assert [(each.verb, each.organization, each.subject) for each in told] == [
        ("create_service_token", organization, "nightly import"),
        ("revoke_service_token", organization, "nightly import"),
    ]
    assert told[0].after["role"] == "manager"
    assert key not in str([each.after for each in told])


def test_a_key_ends_when_nobody_used_it(alice: Actor) -> None:
    row, key = accounts.create_token(actor=alice, name="x", days=None, idle_days=7)
    assert row.idle_ends_at == row.created_at + timedelta(days=7)
    ApiToken.objects.update(created_at=timezone.now() - timedelta(days=30))
    assert find_token(key) is None
    for since, found in ((timedelta(days=6, hours=23), True), (timedelta(days=7, seconds=1), False)):
        ApiToken.objects.update(last_used_at=timezone.now() - since)
        assert (find_token(key) is not None) is found
    for days in (0, 367):
        with pytest.raises(Invalid) as refused:
            accounts.create_token(actor=alice, name="x", idle_days=days)
        assert [each.field for each in refused.value.problems] == ["idle_days"]


def test_its_last_use_costs_a_write_every_few_minutes(
    alice: Actor, django_assert_num_queries: object
) -> None:
    _, key = accounts.create_token(actor=alice, name="x")
    for since, queries in ((None, 2), (NOTED_EVERY / 2, 1), (NOTED_EVERY * 2, 2)):
        used = None if since is None else timezone.now() - since
        ApiToken.objects.update(last_used_at=used)
        with django_assert_num_queries(queries):  # type: ignore[operator]
            find_token(key)
