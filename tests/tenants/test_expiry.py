"""Addresses that end by themselves: the date, the reminder, the extension, the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.actions import alias_rules, aliases, expiry, mailboxes
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.models import Domain, Event, Mailbox, OutgoingMail
from tenants.secrets import Opener, Purpose
from tests.conftest import account

pytestmark = pytest.mark.django_db
ROOKERY = Actor.rookery()


def ends_in(mailbox: Mailbox, **time: float) -> Mailbox:
    Mailbox.objects.filter(pk=mailbox.pk).update(expires_at=timezone.now() + timedelta(**time))
    mailbox.refresh_from_db()
    return mailbox


def mails() -> list[tuple[str, str, str]]:
    rows = OutgoingMail.objects.order_by("pk")
    opener = Opener()
    return [
        (row.recipient, row.subject, opener.open(Purpose.MAIL_BODY, bytes(row.sealed_body or b"")))
        for row in rows
    ]


@pytest.mark.parametrize(
    ("time", "problem"),
    [
        (timedelta(days=-1), "past already"),
        (timedelta(0), "past already"),
        (timedelta(days=4000), "ten years"),
    ],
)
def test_what_is_no_end(
    make_mailbox: Callable[..., Mailbox], alice: Actor, time: timedelta, problem: str
) -> None:
    mailbox = make_mailbox()
    with pytest.raises(Invalid, match=problem) as refused:
        expiry.change_expiry(actor=alice, mailbox=mailbox, expires_at=timezone.now() + time)
    assert refused.value.problems[0].field == "expires_at"
    naive = timezone.now().replace(tzinfo=None) + timedelta(days=1)
    with pytest.raises(Invalid, match="no time zone"):
        expiry.change_expiry(actor=alice, mailbox=mailbox, expires_at=naive)


def test_setting_extending_and_removing(make_mailbox: Callable[..., Mailbox], alice: Actor) -> None:
    mailbox = make_mailbox()
    with pytest.raises(Conflict, match="nothing to extend"):
        expiry.extend_address(actor=alice, mailbox=mailbox)
    end = timezone.now() + timedelta(days=3)
    expiry.change_expiry(actor=alice, mailbox=mailbox, expires_at=end)
    expiry.remind_of_expiry(actor=ROOKERY)
    expiry.extend_address(actor=alice, mailbox=mailbox)
    assert mailbox.expires_at is not None
    assert mailbox.expires_at > timezone.now() + timedelta(days=expiry.EXTEND_DAYS - 1)
    assert mailbox.expiry_told_at is None
    ends_in(mailbox, days=400)
    with pytest.raises(Conflict, match="lasts until"):
        expiry.extend_address(actor=alice, mailbox=mailbox)
    expiry.change_expiry(actor=alice, mailbox=mailbox, expires_at=None)
    verbs = list(Event.objects.order_by("pk").values_list("verb", flat=True))[-3:]
    assert verbs == ["change_expiry", "extend_address", "change_expiry"]
    event = Event.objects.latest("pk")
    assert event.after == {"expires_at": None}


def test_at_the_time_it_goes_into_the_trash_by_itself(
    make_mailbox: Callable[..., Mailbox], alice: Actor, organization: object
) -> None:
    due = ends_in(make_mailbox("due", "d@home.example"), seconds=-1)
    later = ends_in(make_mailbox("later", "l@home.example"), hours=1)
    never = make_mailbox("never", "n@home.example")
    assert expiry.expire_addresses(actor=ROOKERY) == 1
    assert expiry.expire_addresses(actor=ROOKERY) == 0
    due.refresh_from_db()
    assert due.trashed_at is not None
    for row in (later, never):
        row.refresh_from_db()
        assert row.trashed_at is None
    event = Event.objects.latest("pk")
    assert (event.verb, event.actor_name, event.reason[:16]) == (
        "expire_address",
        "Rookery",
        "It was to last u",
    )
    due.domain.organization.refresh_from_db()
    assert due.domain.organization.mailbox_count == 2


def test_some_at_a_time_and_the_rest_next_time(
    make_mailbox: Callable[..., Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "AT_ONCE", 2)
    for number in range(5):
        ends_in(make_mailbox(f"m{number}", f"m{number}@home.example"), seconds=-number - 1)
    assert [expiry.expire_addresses(actor=ROOKERY) for _ in range(4)] == [2, 2, 1, 0]


def test_only_rookery_ends_addresses(alice: Actor) -> None:
    for act in (expiry.expire_addresses, expiry.remind_of_expiry):
        with pytest.raises(Forbidden):
            act(actor=alice)


def test_restored_it_does_not_end_again_at_once(make_mailbox: Callable[..., Mailbox], alice: Actor) -> None:
    mailbox = ends_in(make_mailbox(), seconds=-1)
    expiry.expire_addresses(actor=ROOKERY)
    mailbox.refresh_from_db()
    mailboxes.restore_mailbox(actor=alice, mailbox=mailbox)
    assert mailbox.expires_at is None
    assert expiry.expire_addresses(actor=ROOKERY) == 0
    assert "expires_at" in Event.objects.latest("pk").before


def test_the_team_gets_one_mail_for_all_that_end_soon(
    make_mailbox: Callable[..., Mailbox], alice: Actor, bob: Actor
) -> None:
    make = make_mailbox
    for name in ("ada", "eve"):
        ends_in(make(name, f"{name}@home.example"), days=3)
    ends_in(make("later", "l@home.example"), days=30)
    OutgoingMail.objects.all().delete()
    assert expiry.remind_of_expiry(actor=ROOKERY) == 2
    assert expiry.remind_of_expiry(actor=ROOKERY) == 0
    [(to, subject, body)] = mails()
    assert (to, subject) == ("alice@people.example", "2 addresses of example.org end soon")
    assert "/d/example.org/addresses/ada/expiry" in body
    assert "/d/example.org/addresses/eve/expiry" in body


def test_a_person_is_told_of_their_own_alias_and_extends_it(
    make_mailbox: Callable[..., Mailbox], alice: Actor, domain: Domain
) -> None:
    dora = account("dora")
    make_mailbox("dora", "d@home.example", holder=dora)
    alias_rules.change_alias_rules(
        actor=alice, domain=domain, allowed=True, pattern="{own}-*", most_each=5, longest_days=10
    )
    alias = aliases.create_alias(
        actor=Actor(account=dora), domain=domain, local_part="dora-x", delivers_to=["dora"]
    )
    ends_in(alias, days=2)
    OutgoingMail.objects.all().delete()
    assert expiry.remind_of_expiry(actor=ROOKERY) == 1
    [(to, subject, body)] = mails()
    assert to == "dora@people.example"
    assert subject.startswith("dora-x@example.org lasts until ")
    assert "press “Extend”" in body
    expiry.extend_address(actor=Actor(account=dora), mailbox=alias)
    assert alias.expires_at is not None
    assert alias.expires_at < timezone.now() + timedelta(days=11)
    ends_in(alias, days=1)
    assert expiry.remind_of_expiry(actor=ROOKERY) == 1


def test_a_holder_of_a_mailbox_is_told_whom_to_ask(make_mailbox: Callable[..., Mailbox]) -> None:
    ends_in(make_mailbox(holder=account("dora")), days=2)
    OutgoingMail.objects.all().delete()
    expiry.remind_of_expiry(actor=ROOKERY)
    found = {to: body for to, _, body in mails()}
    assert "ask the people who run example.org" in found["dora@people.example"]
    assert "/expiry" in found["alice@people.example"]


def test_looking_costs_an_index_and_no_scan(domain: Domain) -> None:
    far = timezone.now() + timedelta(days=400)
    Mailbox.objects.bulk_create(
        Mailbox(domain=domain, local_part=f"n{number}", sealed_hash=b"x", expires_at=far, changed_at=far)
        for number in range(500)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as looked:
        expiry.expire_addresses(actor=ROOKERY)
        expiry.remind_of_expiry(actor=ROOKERY)
    assert len(looked) == 2
    for query in looked:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"EXPLAIN {query['sql']}")
            else:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = str(cursor.fetchall())
        assert "mailbox_that_ends" in plan or "mailbox_to_remind_of" in plan, plan
