"""Looking up target domains: due ones, fairly, once at a time, again at night, and never for nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tenants import outbox
from tenants.actions import organizations, targets
from tenants.actions.exchanges import want_lookups
from tenants.actor import Actor
from tenants.models import Allowance, Domain, Mailbox, Organization, TargetAddress, TargetDomain
from tenants.models.sync import LONG_AGO
from tests.exchanges import dns_says, served
from workers import sweeper
from workers.errands import scout
from workers.errands.scout import Scout, due_domains, review_dependents
from workers.lookups import Record, Reply, Status

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class World:
    """Every domain has a mail server of its own, but for those in `broken`."""

    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def ask(self, name: str, kind: str, seconds: float) -> Reply:
        self.asked.append(name)
        if name in self.broken:
            return Reply(Status.FAILED, problem="a name server is down")
        if kind == "MX":
            return Reply(Status.DATA, (Record(f"mx.{name}"),))
        return Reply(Status.NO_DATA)


def domain_row(name: str) -> TargetDomain:
    return TargetDomain.objects.get(name=name)


def test_an_answer_is_kept_for_a_day(make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox()
    row = domain_row("home.example")
    dns = World()
    assert Scout(dns).look_up(row.pk)
    row.refresh_from_db()
    assert (row.answer, row.hosts, row.failures) == ("exchanges", ["mx.home.example"], 0)
    assert timedelta(hours=19) < row.next_look_at - timezone.now() < timedelta(hours=29)
    asked = len(dns.asked)
    assert not Scout(dns).look_up(row.pk), "it is not due"
    assert len(dns.asked) == asked


def test_silence_is_asked_again_later_and_later(make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox()
    row = domain_row("home.example")
    asker = Scout(World({"home.example"}), jitter=lambda low, high: 1.0)
    pauses = []
    for _ in range(12):
        TargetDomain.objects.update(next_look_at=LONG_AGO)
        before = timezone.now()
        assert not asker.look_up(row.pk)
        row.refresh_from_db()
        pauses.append(round((row.next_look_at - before).total_seconds() / 60))
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 240
    assert row.failures == 12
    assert "down" in row.problem


def test_one_worker_at_a_time_asks(make_mailbox: Callable[..., Mailbox]) -> None:
    make_mailbox()
    TargetDomain.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    dns = World()
    assert not Scout(dns).look_up(domain_row("home.example").pk)
    assert not dns.asked
    TargetDomain.objects.update(claimed_until=LONG_AGO)
    assert Scout(dns).look_up(domain_row("home.example").pk), "of a worker that died"


def test_what_nobody_targets_is_forgotten(alice: Actor, make_mailbox: Callable[..., Mailbox]) -> None:
    ada = make_mailbox()
    row = domain_row("home.example")
    TargetDomain.objects.update(wanted_at=timezone.now() - timedelta(days=8))
    assert Scout(World()).look_up(row.pk)
    targets.remove_target(actor=alice, mailbox=ada, address="ada@home.example")
    TargetDomain.objects.update(next_look_at=LONG_AGO)
    dns = World()
    assert not Scout(dns).look_up(row.pk)
    assert not dns.asked
    assert not TargetDomain.objects.exists()


def test_an_organization_with_much_to_ask_delays_no_other(organization: Organization) -> None:
    other = organizations.create_organization(actor=Actor.rookery(), name="Other")
    want_lookups([f"many{n}.example" for n in range(50)], organization)
    want_lookups(["one.example"], other)
    want_lookups(["nobodys.example"], None)
    first = [row.name for row in due_domains()[:3]]
    assert set(first) == {"many0.example", "one.example", "nobodys.example"}


def test_the_sweep_hints_at_what_is_due(
    make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, int, str]] = []
    make_mailbox()
    row = domain_row("home.example")
    monkeypatch.setattr(outbox, "send_hint", lambda *hint: sent.append(hint))
    sweeper.sweep()
    assert ("look_up", row.pk, "lookups") in sent
    Scout(World()).look_up(row.pk)
    TargetDomain.objects.update(review_due=1)
    sent.clear()
    sweeper.sweep()
    assert ("look_up", row.pk, "lookups") not in sent
    assert ("review", row.pk, "reviews") in sent
    review_dependents(row.pk)
    sent.clear()
    sweeper.sweep()
    assert not [hint for hint in sent if hint[0] in {"look_up", "review"}]


def test_a_door_that_forgot_to_ask_is_made_up_for(make_mailbox: Callable[..., Mailbox]) -> None:
    ada = make_mailbox()
    TargetDomain.objects.all().delete()
    sweeper.sweep()
    assert domain_row("home.example")
    ada.targets.update(address="ada@later.example")
    sweeper.sweep()
    assert not TargetDomain.objects.filter(name="later.example").exists(), "it looks now and then only"
    Allowance.objects.all().delete()
    sweeper.sweep()
    assert domain_row("later.example")


def test_a_review_goes_on_where_it_stopped(
    alice: Actor, make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    dns_says("home.example", served("mx.home.example"))
    for n in range(5):
        targets.add_target(
            actor=alice,
            mailbox=make_mailbox(f"a{n}", target=f"a{n}@home.example"),
            address=f"a{n}@work.example",
        )
    row = dns_says("work.example", served("mx.work.example"), reviewed=False)
    monkeypatch.setattr(scout, "_AT_ONCE", 2)
    waiting = TargetAddress.objects.filter(exchange="checking")
    assert (review_dependents(row.pk, most=2), waiting.count()) == (2, 3)
    assert (review_dependents(row.pk, most=2), waiting.count()) == (2, 1)
    assert (review_dependents(row.pk), waiting.count()) == (1, 0)
    row.refresh_from_db()
    assert (row.review_due, row.reviewed_to) == (0, 0)
    assert review_dependents(row.pk) == 0


def test_who_asks_again_during_a_review_gets_another(
    alice: Actor, make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    dns_says("home.example", served("mx.home.example"))
    targets.add_target(actor=alice, mailbox=make_mailbox(), address="ada@work.example")
    row = dns_says("work.example", served("mx.work.example"), reviewed=False)
    real = scout._review

    def and_meanwhile(mailbox_id: int) -> None:
        real(mailbox_id)
        dns_says("work.example", served("mx2.work.example"), reviewed=False)

    monkeypatch.setattr(scout, "_review", and_meanwhile)
    review_dependents(row.pk)
    row.refresh_from_db()
    assert row.review_due


def test_an_unchanged_answer_makes_no_work(make_mailbox: Callable[..., Mailbox], domain: Domain) -> None:
    make_mailbox()
    assert dns_says("home.example", served("mx.home.example"), reviewed=False).review_due == 1
    assert dns_says("home.example", served("mx.home.example"), reviewed=False).review_due == 1
    assert dns_says("home.example", served("mx.home.example")).review_due == 0
    assert dns_says(domain.name, served("mx.example.org")).review_due == 0
    again: Any = dns_says(domain.name, served("mx.example.org"), reviewed=False)
    assert again.review_due == 1, "what a domain of ours forwards to may have become a circle"
