"""Somebody acts on a domain that was handed over since they read it: nothing is done or counted wrong.

Rows that were read before stand for requests that began before: what follows is the same in both, whichever
database waits for whom. In the last test they wait for each other indeed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from tenants.actions import domain_offers as offers
from tenants.actions import domain_roles, domains, invitations, mailboxes, names, signing_keys, webhooks
from tenants.actions.service_tokens import create_service_token
from tenants.actions.sets import one_set
from tenants.actions.token_rows import Wish
from tenants.actor import Actor
from tenants.errors import Absent
from tenants.models import (
    ApiToken,
    Domain,
    DomainOffer,
    DomainRole,
    HeldName,
    Invitation,
    Mailbox,
    Organization,
    SigningKey,
    Webhook,
)
from tests.tenants.test_at_once import at_once, fresh, refusals

HOOK = "https://hooks.example.org/"
Act = Callable[[Actor, Domain], Any]


def counted_and_real(organization: Organization) -> tuple[int, int]:
    organization.refresh_from_db()
    rows = Mailbox.objects.filter(domain__organization=organization, trashed_at=None)
    return organization.mailbox_count, rows.count()


def everything() -> list[int]:
    kinds = (Mailbox, DomainRole, Invitation, HeldName, SigningKey, Webhook, ApiToken, DomainOffer)
    return [kind._default_manager.count() for kind in kinds]


ACTS: dict[str, Act] = {
    "an address is made": lambda actor, domain: mailboxes.create_mailbox(
        actor=actor, domain=domain, local_part="late", targets=["a@home.example"]
    ),
    "a part is given": lambda actor, domain: domain_roles.give_domain_role(
        actor=actor, domain=domain, email="friend@people.example", role="observer"
    ),
    "an invitation is made": lambda actor, domain: invitations.make_invitation(
        actor=actor, domain=domain, approved=True
    ),
    "a name is held back": lambda actor, domain: names.hold_name(
        actor=actor, domain=domain, local_part="late"
    ),
    "a key for DKIM is made": lambda actor, domain: signing_keys.make_signing_key(
        actor=actor, domain=domain, selector="late"
    ),
    "it is offered": lambda actor, domain: offers.offer_domain(actor=actor, domain=domain),
    "it is changed": lambda actor, domain: domains.change_domain(
        actor=actor, domain=domain, requests="moderated"
    ),
    "a webhook of it is added": lambda actor, domain: webhooks.add_webhook(
        actor=actor, organization=domain.organization, domain=domain, url=HOOK, name="Late"
    ),
    "a key for it is made": lambda actor, domain: create_service_token(
        actor=actor,
        organization=domain.organization,
        role="manager",
        wish=Wish(name="late", organization=domain.organization, domain=domain),
    ),
}


@pytest.fixture
def works(charlie: Actor) -> Organization:
    return Organization.objects.get(name="Difference Works")


@pytest.mark.django_db
@pytest.mark.one_database
@pytest.mark.parametrize("what", ACTS)
def test_what_was_begun_before_does_nothing(
    what: str, alice: Actor, olga: Actor, domain: Domain, organization: Organization, works: Organization
) -> None:
    stale = Domain.objects.select_related("organization").get(pk=domain.pk)
    offers.hand_over_domain(actor=olga, domain=domain, organization=works)
    before = everything()
    with pytest.raises(Absent), transaction.atomic():
        ACTS[what](alice, stale)
    assert everything() == before
    assert (counted_and_real(organization), counted_and_real(works)) == ((0, 0), (0, 0))


@pytest.mark.django_db
@pytest.mark.one_database
@pytest.mark.parametrize("as_set", [False, True])
def test_the_trash_is_counted_where_the_domain_is(
    as_set: bool,
    alice: Actor,
    olga: Actor,
    make_mailbox: Callable[..., Mailbox],
    domain: Domain,
    organization: Organization,
    works: Organization,
) -> None:
    make_mailbox()
    gone = make_mailbox("gone")
    mailboxes.trash_mailbox(actor=alice, mailbox=gone)
    rows = Mailbox.objects.select_related("domain__organization")
    stale = {name: rows.get(local_part=name) for name in ("ada", "gone")}
    offers.hand_over_domain(actor=olga, domain=domain, organization=works)
    for act, name in ((mailboxes.trash_mailbox, "ada"), (mailboxes.restore_mailbox, "gone")):
        around = one_set(alice, stale[name].domain) if as_set else transaction.atomic()
        with pytest.raises(Absent), around:
            act(actor=alice, mailbox=stale[name])
    assert (counted_and_real(organization), counted_and_real(works)) == ((0, 0), (1, 1))


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_a_hand_over_is_told(
    alice: Actor,
    olga: Actor,
    make_mailbox: Callable[..., Mailbox],
    domain: Domain,
    organization: Organization,
    works: Organization,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They began while it held both organizations: nobody waits for ever, and both count right."""
    there = make_mailbox()
    hook, _ = webhooks.add_webhook(actor=alice, organization=organization, domain=domain, url=HOOK, name="W")
    stale = Domain.objects.select_related("organization").get(pk=domain.pk)
    held, end = threading.Event(), offers._end_what_ends

    def slowly(*given: Any) -> Any:
        held.set()
        time.sleep(0.5)  # until the others wait
        return end(*given)

    monkeypatch.setattr(offers, "_end_what_ends", slowly)

    def then(act: Callable[..., Any], **given: Any) -> Callable[[], Any]:
        return lambda: held.wait(10) and act(actor=alice, **given)

    results = at_once(
        partial(offers.hand_over_domain, actor=olga, domain=domain, organization=works),
        then(mailboxes.trash_mailbox, mailbox=fresh(there)),
        then(mailboxes.create_mailbox, domain=stale, local_part="late", targets=["a@home.example"]),
        then(webhooks.switch_webhook, webhook=Webhook.objects.get(pk=hook.pk), enabled=False),
    )
    assert refusals(results) == ["Absent"] * 3
    assert (counted_and_real(organization), counted_and_real(works)) == ((0, 0), (1, 1))
    assert not Webhook.objects.exists()
