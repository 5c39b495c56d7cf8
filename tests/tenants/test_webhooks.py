"""Webhooks as people keep them, and what is owed to them: in the transaction of the event, to nobody else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from tenants import outbox
from tenants.actions import domains, repositories, webhooks
from tenants.actions import mailboxes as mailbox_actions
from tenants.actions import webhook_deliveries as deliveries
from tenants.actions.audit import record
from tenants.actions.reversals import known_verbs
from tenants.actions.webhook_outbox import owe_observed, unsaved_delivery
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid, TooMany
from tenants.formats.webhook_events import TEST, type_of
from tenants.models import Domain, Event, Mailbox, Organization, SyncTarget, Webhook, WebhookDelivery
from tenants.secrets import Opener, Purpose
from tests.conftest import HASH, account, join
from workers.errands.webhook_sender import due_webhooks

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.net/rookery?key=path-canary"


def add(actor: Actor, organization: Organization, **given: Any) -> Webhook:
    row, _ = webhooks.add_webhook(
        actor=actor, organization=organization, **{"url": URL, "name": "Chat", **given}
    )
    WebhookDelivery.objects.all().delete()  # that it was added
    return row


def make(actor: Actor, domain: Domain, name: str = "ada") -> Mailbox:
    fresh = Domain.objects.select_related("organization").get(pk=domain.pk)
    return mailbox_actions.create_mailbox(
        actor=actor, domain=fresh, local_part=name, targets=["ada@home.example"], password_hash=HASH
    )


def owed(row: Webhook) -> list[str]:
    return list(row.deliveries.order_by("pk").values_list("type", flat=True))


def test_the_secret_is_shown_once_and_only_workers_can_open_it(
    alice: Actor, organization: Organization
) -> None:
    row, secret = webhooks.add_webhook(actor=alice, organization=organization, url=URL, name="Chat")
    row.refresh_from_db()
    assert secret.startswith("whsec_")
    assert secret.encode() not in bytes(row.sealed_secret)
    assert Opener().open(Purpose.WEBHOOK, bytes(row.sealed_secret)) == secret
    again = webhooks.rotate_webhook_secret(actor=alice, webhook=row)
    webhooks.change_webhook(actor=alice, webhook=row, url=f"{URL}2")
    told = json.dumps(list(Event.objects.values("sentence", "subject", "before", "after")))
    told += "".join(WebhookDelivery.objects.values_list("body", flat=True))
    assert "https://hooks.example.net" in told
    for hidden in (secret, again, "path-canary"):
        assert hidden not in told


def test_every_verb_has_a_type_of_its_own() -> None:
    verbs = known_verbs()
    types = {type_of(verb) for verb in verbs}
    assert len(types) == len(verbs) > 200
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", each) for each in types)
    assert not any(each.endswith(".observed") or each == TEST for each in types)


def test_events_are_owed_with_the_change_or_not_at_all(
    alice: Actor, organization: Organization, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = add(alice, organization, types=["mailbox.created"])
    hinted: list[tuple[str, int, str]] = []
    monkeypatch.setattr(outbox, "send_hint", lambda *hint: hinted.append(hint))

    with transaction.atomic():
        make(alice, domain)
        assert owed(row) == ["mailbox.created"]
        transaction.set_rollback(True)
    assert owed(row) == []
    make(alice, domain)
    assert owed(row) == ["mailbox.created"]
    delivery = row.deliveries.get()
    assert delivery.event is not None
    event = Event.objects.get(pk=delivery.event)
    body = json.loads(delivery.body)
    assert (body["data"]["event"], body["data"]["sentence"]) == (event.pk, event.sentence)
    assert HASH not in delivery.body
    assert body["data"]["actor"] == "Alice"


def test_tenants_never_meet(alice: Actor, charlie: Actor, organization: Organization, domain: Domain) -> None:
    assert charlie.account is not None
    theirs = Organization.objects.get(memberships__account=charlie.account)
    other = add(charlie, theirs)
    mine = add(alice, organization)
    make(alice, domain)
    assert "mailbox.created" in owed(mine)
    assert owed(other) == []
    with pytest.raises(Absent):
        webhooks.change_webhook(actor=charlie, webhook=mine, name="Taken")
    with pytest.raises(Absent):
        add(charlie, organization, name="Second")


def test_one_of_a_domain_is_told_of_that_domain(
    alice: Actor, organization: Organization, domain: Domain
) -> None:
    second = domains.create_domain(actor=alice, organization=organization, name="second.example")
    row = add(alice, organization, domain=second)
    make(alice, domain)
    assert owed(row) == []
    make(alice, second)
    assert "mailbox.created" in owed(row)
    foreign = Domain(organization_id=0, name="x.example")
    with pytest.raises((Invalid, Absent)):
        add(alice, organization, name="Second", domain=foreign)


def test_what_was_asked_for_is_told_when_it_is_proved(
    alice: Actor, organization: Organization, domain: Domain
) -> None:
    relay = repositories.connect_repository(
        actor=alice, domain=domain, host="git.example.org", path="relay.git"
    )
    target = relay.sync_target
    row = add(alice, organization, types=["*.observed"])
    before = SyncTarget.objects.get(pk=target.pk).generation
    make(alice, domain)
    target.refresh_from_db()
    facts = {"commit": "c" * 40, "left": ["hidden"]}
    owe_observed(target, before=before, generation=target.generation, facts=facts)
    assert owed(row) == ["mailbox.observed"]
    told = json.loads(row.deliveries.get().body)["data"]
    assert (told["of"], told["target"], told["observed"]) == (
        "mailbox.created",
        target.pk,
        target.generation,
    )
    assert told["proof"] == {"commit": "c" * 40}
    owe_observed(target, before=target.generation, generation=target.generation, facts=facts)
    assert len(owed(row)) == 1


def test_who_has_none_pays_nothing(
    alice: Actor, organization: Organization, domain: Domain, django_assert_num_queries: Any
) -> None:
    fresh = Organization.objects.get(pk=organization.pk)
    with django_assert_num_queries(1):
        record(alice, "change_domain", "x", "It was changed.", organization=fresh)
    row = add(alice, organization)
    webhooks.switch_webhook(actor=alice, webhook=row, enabled=False)
    fresh.refresh_from_db()
    with django_assert_num_queries(1):
        record(alice, "change_domain", "x", "It was changed.", organization=fresh)


def test_the_switch_gives_up_what_waits_and_a_replay_brings_it_back(
    alice: Actor, organization: Organization, domain: Domain
) -> None:
    row = add(alice, organization, types=["mailbox.created"])
    make(alice, domain)
    webhooks.switch_webhook(actor=alice, webhook=row, enabled=False)
    waiting = row.deliveries.get()
    assert (waiting.state, waiting.problem) == (
        "failed",
        "The webhook was switched off before it could be sent.",
    )
    make(alice, domain, "bea")
    assert len(owed(row)) == 1
    with pytest.raises(Conflict, match="switched off"):
        deliveries.replay_delivery(actor=alice, delivery=waiting)
    webhooks.switch_webhook(actor=alice, webhook=row, enabled=True)
    assert deliveries.replay_deliveries(actor=alice, webhook=row, since=waiting.created_at) == 1
    again = row.deliveries.get()
    assert (again.state, again.message_id, again.tries) == ("waiting", waiting.message_id, 0)
    with pytest.raises(Conflict, match="on its way"):
        deliveries.replay_delivery(actor=alice, delivery=again)


def test_what_waits_for_its_next_try_is_tried_now(
    alice: Actor, organization: Organization, domain: Domain
) -> None:
    """Also where its webhook is asked only once in a while, since it failed before."""
    row, now = add(alice, organization, types=["mailbox.created"]), timezone.now()
    make(alice, domain)
    later = now + timedelta(hours=10)
    row.deliveries.update(tries=5, next_try_at=later)
    Webhook.objects.update(next_try_at=later)
    assert not due_webhooks(timezone.now()).exists()
    deliveries.replay_delivery(actor=alice, delivery=row.deliveries.first())
    assert due_webhooks(timezone.now()).get() == row
    assert (row.deliveries.get().tries, row.deliveries.get().state) == (5, "waiting")


def test_a_webhook_that_is_removed_meanwhile_breaks_no_change(
    alice: Actor, organization: Organization, domain: Domain
) -> None:
    """Its row may go between the look for webhooks and the end of the change."""
    row = add(alice, organization)
    gone = Webhook(pk=row.pk + 1000, organization=organization)
    try:
        with transaction.atomic():
            unsaved_delivery(gone, "mailbox.created", "{}").save()
    except IntegrityError:
        pytest.fail("a delivery needs its webhook")
    WebhookDelivery.objects.filter(webhook=gone.pk).delete()


def test_every_problem_is_named(alice: Actor, organization: Organization) -> None:
    with pytest.raises(Invalid) as refusal:
        add(alice, organization, name="", url="http://10.0.0.1/", types=["nothing.*"])
    assert [each.field for each in refusal.value.problems] == ["name", "url", "types"]
    assert all(each.fix for each in refusal.value.problems)
    add(alice, organization)
    with pytest.raises(Invalid, match="already"):
        add(alice, organization)
    Organization.objects.update(webhook_quota=2)
    add(alice, organization, name="Chat 2")
    with pytest.raises(Invalid, match="has 2 of 2 webhooks"):
        add(alice, organization, name="One more")


def test_tests_have_a_limit(alice: Actor, organization: Organization) -> None:
    row = add(alice, organization)
    for _ in range(deliveries.TESTS.count):
        deliveries.send_webhook_test(actor=alice, webhook=row)
    with pytest.raises(TooMany):
        deliveries.send_webhook_test(actor=alice, webhook=row)


def test_owners_keep_them_and_others_do_not_see_them(
    alice: Actor, bob: Actor, organization: Organization
) -> None:
    row = add(alice, organization)
    manager = account("mona")
    join(organization, manager, "manager")
    for actor in (bob, Actor(account=manager)):
        with pytest.raises(Absent):
            webhooks.remove_webhook(actor=actor, webhook=row)
        with pytest.raises(Forbidden):
            add(actor, organization, name="Mine")
