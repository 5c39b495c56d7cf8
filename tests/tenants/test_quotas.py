"""What an organization may have: set by operators, never exceeded, also by two at the same moment."""

from __future__ import annotations

from functools import partial

import pytest

from tenants.actions import organizations, quotas, webhooks
from tenants.actions.service_tokens import create_service_token
from tenants.actions.token_rows import Wish
from tenants.actions.undo import undo_event
from tenants.actor import Actor
from tenants.errors import Forbidden, Invalid
from tenants.models import Event, Organization, Webhook
from tenants.quotas import FIELDS, quotas_of, standing_of, standings_of
from tests.tenants.test_at_once import at_once, refusals


def add_webhook(actor: Actor, organization: Organization, name: str) -> None:
    webhooks.add_webhook(
        actor=actor,
        organization=Organization.objects.get(pk=organization.pk),
        url="https://hooks.example.org/",
        name=name,
    )


@pytest.mark.django_db
@pytest.mark.one_database
def test_people_and_keys_of_its_own_are_counted_apart(alice: Actor, organization: Organization) -> None:
    has = standings_of([organization])[organization.pk]
    assert has == {what: standing_of(organization, what) for what in has}
    people = has["member"].used
    Organization.objects.update(member_quota=people + 1, token_quota=1)
    add = partial(organizations.add_member, actor=alice, organization=organization)
    add(email="one@people.example", role="viewer")
    with pytest.raises(Invalid, match=f"has {people + 1} of {people + 1} people") as refusal:
        add(email="two@people.example", role="viewer")
    assert refusal.value.problems[0].fix == "Remove somebody who left, or ask an operator for more."
    assert add(email="one@people.example", role="manager").role == "manager"
    make = partial(create_service_token, actor=alice, organization=organization, role="viewer")
    make(wish=Wish(name="backup"))
    with pytest.raises(Invalid, match="has 1 of 1 keys of its own"):
        make(wish=Wish(name="another"))
    organization.refresh_from_db()
    assert standing_of(organization, "token").sentence == "1 of 1 key of its own, none is left."


@pytest.mark.django_db
@pytest.mark.one_database
def test_an_operator_sets_each_and_it_can_be_undone(
    olga: Actor, alice: Actor, organization: Organization
) -> None:
    before = quotas_of(organization)
    with pytest.raises(Forbidden):
        quotas.change_quotas(actor=alice, organization=organization, webhook_quota=50)
    wanted = dict.fromkeys(FIELDS, 40)
    quotas.change_quotas(actor=olga, organization=organization, **wanted)
    assert quotas_of(organization) == wanted
    event = Event.objects.get(verb="change_quotas")
    assert (event.before, event.after) == (before, wanted)
    undo_event(actor=olga, event=event)
    organization.refresh_from_db()
    assert quotas_of(organization) == before


@pytest.mark.django_db
@pytest.mark.one_database
def test_never_below_what_it_has_nor_beyond_reason(
    olga: Actor, alice: Actor, organization: Organization
) -> None:
    add_webhook(alice, organization, "Chat")
    with pytest.raises(Invalid) as refusal:
        quotas.change_quotas(actor=olga, organization=organization, webhook_quota=0, member_quota=0)
    assert [each.field for each in refusal.value.problems] == ["member_quota", "webhook_quota"]
    assert refusal.value.problems[1].problem == "It has 1 webhook."
    with pytest.raises(Invalid, match="not possible"):
        quotas.change_quotas(actor=olga, organization=organization, token_quota=1_000_001)
    with pytest.raises(TypeError):
        quotas.change_quotas(actor=olga, organization=organization, cat_quota=1)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_both_get_the_last_one(alice: Actor, organization: Organization) -> None:
    Organization.objects.update(webhook_quota=1)
    results = at_once(*(partial(add_webhook, alice, organization, name) for name in ("Chat", "Log")))
    assert refusals(results) == ["Invalid"]
    assert Webhook.objects.count() == 1
