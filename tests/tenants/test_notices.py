"""Notices: who is told of what and how, the list, the choice, and summaries that tell nothing twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants import notices as kinds
from tenants.actions import digests, domain_roles
from tenants.actions.notices import (
    About,
    Letter,
    choose_notices,
    chosen_by,
    mark_notices_read,
    notify,
    own_notices,
    still_seen,
)
from tenants.actor import Actor
from tenants.errors import Absent, Conflict, Forbidden, Invalid
from tenants.models import Account, Domain, Event, Membership, Notice, Organization, OutgoingMail
from tenants.notices import KINDS, Delivery, next_summary
from tests.web.people import mails_to

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ALICE = "alice@people.example"
ROOKERY = Actor.rookery()


def tell(domain: Domain, line: str = "something is wrong", *, kind: str = "checks_turned") -> None:
    notify(
        KINDS[kind],
        About(f"/d/{domain}/checks", thing=domain, domain=domain),
        line=lambda: line,
        mail=lambda account: Letter(line, f"Hello,\n\n{line}, {account.name}."),
    )


def choose(actor: Actor, delivery: str, kind: str = "checks_turned") -> None:
    choose_notices(actor=actor, choices={kind: delivery})


def subjects() -> list[tuple[str, str]]:
    return list(OutgoingMail.objects.order_by("pk").values_list("recipient", "subject"))


def lines(actor: Actor) -> list[str]:
    return list(own_notices(actor).order_by("pk").values_list("line", flat=True))


@pytest.fixture(autouse=True)
def _no_other_mail(domain: Domain, bob: Actor) -> None:
    OutgoingMail.objects.all().delete()


def test_by_right_and_by_default_at_once(alice: Actor, bob: Actor, domain: Domain) -> None:
    tell(domain)
    assert subjects() == [(ALICE, "something is wrong")]
    assert lines(alice) == ["something is wrong"]
    assert lines(bob) == []  # a viewer changes nothing
    assert "/account/notices" in mails_to(ALICE)[0]


@pytest.mark.parametrize(
    ("delivery", "mails", "listed", "waits"),
    [("daily", 0, 1, True), ("weekly", 0, 1, True), ("panel", 0, 1, False), ("off", 0, 0, False)],
)
def test_each_choice(
    alice: Actor, domain: Domain, delivery: str, mails: int, listed: int, waits: bool
) -> None:
    choose(alice, delivery)
    tell(domain)
    assert (len(subjects()), len(lines(alice))) == (mails, listed)
    assert Notice.objects.filter(due_at__gt=timezone.now()).exists() == waits


def test_what_keeps_an_account_safe_is_not_switched_off(alice: Actor, domain: Domain) -> None:
    for kind in KINDS.values():
        if kind.fixed:
            with pytest.raises(Conflict):
                choose(alice, "off", kind.name)
    assert alice.account is not None
    # Also where a row says otherwise.
    alice.account.notice_choices.create(kind="export_asked", delivery="off")
    tell(domain, "An export was asked for", kind="export_asked")
    assert subjects() == [(ALICE, "An export was asked for")]
    assert "/account/notices" not in mails_to(ALICE)[0]
    assert chosen_by(alice.account)["export_asked"] == "at_once"


def test_choosing_is_an_event_and_bad_choices_are_refused(alice: Actor) -> None:
    assert choose_notices(actor=alice, choices={"checks_turned": "daily"}) == {"checks_turned": "daily"}
    assert choose_notices(actor=alice, choices={"checks_turned": "daily"}) == {}
    event = Event.objects.get(verb="choose_notices")
    assert (event.before, event.after) == ({"checks_turned": "at_once"}, {"checks_turned": "daily"})
    for kind, delivery in (("nothing", "off"), ("checks_turned", "loudly")):
        with pytest.raises(Invalid):
            choose(alice, delivery, kind)
    for narrowed in (
        Actor(account=alice.account, token="k", read_only=True),
        Actor(account=alice.account, token="k", organization_id=1),
        Actor(account=alice.account, token="k", kinds=frozenset({"mailbox"})),
    ):
        with pytest.raises(Forbidden):
            choose(narrowed, "off")
        with pytest.raises(Forbidden):
            mark_notices_read(actor=narrowed)
    with pytest.raises(Absent):
        choose(Actor(), "off")


def test_somebody_elses_notices_are_absent(alice: Actor, bob: Actor, domain: Domain) -> None:
    tell(domain)
    row = own_notices(alice).get()
    with pytest.raises(Absent):
        mark_notices_read(actor=bob, notice_id=row.pk)
    assert mark_notices_read(actor=bob) == 0
    tell(domain, "a second")
    assert mark_notices_read(actor=alice, up_to=row.pk) == 1
    assert list(own_notices(alice).filter(read_at=None).values_list("line", flat=True)) == ["a second"]
    assert mark_notices_read(actor=alice) == 1


def test_rights_are_asked_when_it_is_shown(alice: Actor, domain: Domain, charlie: Actor) -> None:
    tell(domain)
    row = own_notices(alice).get()
    assert still_seen(alice, [row]) == {row.pk}
    assert still_seen(charlie, [row]) == set()
    Membership.objects.filter(account=alice.account).delete()
    assert still_seen(alice, [row]) == set()


def test_a_role_on_the_domain_counts_where_the_kind_says_so(alice: Actor, bob: Actor, domain: Domain) -> None:
    assert bob.account is not None
    before = {kind.name for kind in kinds.kinds_for(bob.account.pk)}
    domain_roles.give_domain_role(actor=alice, domain=domain, email=bob.account.email, role="decider")
    assert {kind.name for kind in kinds.kinds_for(bob.account.pk)} - before == {"request_waits"}


def test_programs_and_closed_accounts_are_told_nothing(alice: Actor, domain: Domain) -> None:
    Account.objects.filter(email=ALICE).update(is_active=False)
    tell(domain)
    assert not Notice.objects.exists()


# Summaries --------------------------------------------------------------------------------------------


def tomorrow() -> datetime:
    return timezone.now() + timedelta(days=1, hours=1)


def test_a_summary_is_one_mail_by_place(alice: Actor, domain: Domain, organization: Organization) -> None:
    choose(alice, "daily")
    tell(domain, "first")
    tell(domain, "second")
    assert digests.send_digests(actor=ROOKERY) == 0  # it is not morning yet
    assert digests.send_digests(actor=ROOKERY, now=tomorrow()) == 1
    assert subjects() == [(ALICE, "2 notices of Rookery")]
    body = mails_to(ALICE)[0]
    assert body.index("Analytical Society, example.org") < body.index("first") < body.index("second")
    assert digests.send_digests(actor=ROOKERY, now=tomorrow()) == 0
    assert len(subjects()) == 1


def test_killed_half_way_it_sends_nothing_twice(alice: Actor, domain: Domain) -> None:
    choose(alice, "daily")
    tell(domain)

    class Killed(Exception):
        pass

    def die_after() -> None:
        with transaction.atomic():
            digests.send_digests(actor=ROOKERY, now=tomorrow())
            raise Killed

    with pytest.raises(Killed):
        die_after()
    assert subjects() == []
    assert digests.send_digests(actor=ROOKERY, now=tomorrow()) == 1
    assert len(subjects()) == 1


def test_a_summary_leaves_out_what_was_read_or_may_not_be_seen(alice: Actor, domain: Domain) -> None:
    choose(alice, "daily")
    tell(domain, "read")
    mark_notices_read(actor=alice)
    assert digests.send_digests(actor=ROOKERY, now=tomorrow()) == 0
    tell(domain, "not for them any more")
    Membership.objects.filter(account=alice.account).delete()
    assert digests.send_digests(actor=ROOKERY, now=tomorrow()) == 0
    assert (subjects(), Notice.objects.filter(due_at__isnull=False).count()) == ([], 0)


def test_a_long_summary_is_cut(alice: Actor, domain: Domain) -> None:
    choose(alice, "daily")
    for number in range(digests.MOST_LINES + 2):
        tell(domain, f"n{number:03}")
    digests.send_digests(actor=ROOKERY, now=tomorrow())
    body = mails_to(ALICE)[0]
    assert "And 2 more." in body
    assert ("n000" in body, "n002" in body) == (False, True)


def test_a_changed_mind_moves_what_waits(alice: Actor, domain: Domain) -> None:
    choose(alice, "daily")
    tell(domain)
    choose(alice, "panel")
    assert digests.send_digests(actor=ROOKERY, now=tomorrow()) == 0


def test_old_notices_go(alice: Actor, domain: Domain) -> None:
    tell(domain, "old")
    Notice.objects.update(at=timezone.now() - digests.KEPT - timedelta(minutes=1))
    tell(domain, "new")
    assert digests.forget_notices(actor=ROOKERY) == 1
    assert lines(alice) == ["new"]
    for act in (digests.forget_notices, digests.send_digests):
        with pytest.raises(Forbidden):
            act(actor=alice)


MOMENTS = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=30)
@given(now=MOMENTS)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland"])
def test_the_next_summary_is_at_seven_in_the_zone_of_the_installation(now: datetime, zone: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.TIME_ZONE", zone)
        timezone.get_default_timezone.cache_clear()
        try:
            daily, weekly = (next_summary(each, now) for each in (Delivery.DAILY, Delivery.WEEKLY))
            assert daily is not None
            assert weekly is not None
            local = timezone.localtime(weekly, timezone.get_default_timezone())
        finally:
            patch.undo()
            timezone.get_default_timezone.cache_clear()
    assert now < daily <= now + timedelta(hours=25)
    assert daily <= weekly <= now + timedelta(days=7, hours=1)
    assert (local.hour, local.minute, local.weekday()) == (7, 0, 0)
    assert next_summary(Delivery.PANEL, now) is None
