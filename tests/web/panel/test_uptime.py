"""The status line and the uptime page of a domain's mail, and the same by API."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from panel.web.uptime import strip
from tenants.actions import canary_rounds
from tenants.actor import Actor
from tenants.errors import Forbidden
from tenants.formats.canary import Part, Round, Way
from tenants.models import Canary, CanarySpan, Domain, Event, OutgoingMail, Stack
from tests.contract.host_world import own_images
from tests.stacking import build_site
from tests.web.people import check_page, text_of

pytestmark = pytest.mark.django_db
PAGE = "/d/example.org/stack/uptime"
ROOKERY = Actor.rookery()
LOST = Round({Part.DIAL: 3}, Part.BANNER, "It greets nobody: it closed the connection")


@pytest.fixture
def stack(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Stack:
    own_images(settings, tmp_path)
    settings.CANARY_HOME = "canary@panel.example.net"
    return build_site(alice, domain).make()


def rounds(canary: Canary, way: Way, *good: bool) -> None:
    """One every five minutes, the last one now."""
    for number, each in enumerate(reversed(good)):
        del each
        at = timezone.now() - timedelta(minutes=5 * (len(good) - 1 - number))
        row = canary_rounds.begin_canary_round(actor=ROOKERY, canary=canary, way=way, at=at)
        if good[number]:
            canary_rounds.record_canary_sent(actor=ROOKERY, row=row, said=Round({Part.ACCEPTED: 9}), at=at)
            later = at + timedelta(seconds=1)
            assert canary_rounds.record_canary_arrival(actor=ROOKERY, tag=row.tag, at=later)
        else:
            canary_rounds.record_canary_sent(actor=ROOKERY, row=row, said=LOST, at=at)
    canary_rounds.finish_canary_look(actor=ROOKERY, canary=canary, at=timezone.now())


def test_what_works_and_what_fails_is_told_everywhere(as_alice: Client, stack: Stack) -> None:
    canary = Canary.objects.get(stack=stack)
    page = as_alice.get(PAGE)
    check_page(page)
    assert "Not known yet" in text_of(page)
    rounds(canary, Way.OUT, True, True)
    rounds(canary, Way.IN, True, True, False, False, False)
    page = as_alice.get(PAGE)
    check_page(page)
    text = text_of(page)
    assert "Mail fails" in text
    assert "It greets nobody: it closed the connection" in text
    assert "Mail into the domain" in text
    assert "the last 24 hours: 25" in text, text
    assert "and still does" in text
    for other in ("/d/example.org", "/d/example.org/stack", "/", "/domains"):
        assert "Mail into the domain fails." in text_of(as_alice.get(other))
    told = as_alice.get("/api/v1/domains/example.org/stack/canary/").json()
    assert told["address"] == "rookery-canary@example.org"
    assert [(each["way"], each["standing"], each["late"]) for each in told["ways"]] == [
        ("in", "failing", False),
        ("out", "works", False),
    ]
    assert told["ways"][1]["day"] == 100
    history = as_alice.get("/api/v1/domains/example.org/stack/canary/history/?way=in&length=day").json()
    assert sum(each["rounds"] for each in history["results"]) == 5
    assert sum(each["lost"] for each in history["results"]) == 3
    mail = OutgoingMail.objects.get(subject__contains="fails")
    rounds(canary, Way.IN, True, True, True)
    assert "still does" not in text_of(as_alice.get(PAGE))
    assert OutgoingMail.objects.filter(subject__contains="arrives again").count() == 1
    assert OutgoingMail.objects.filter(subject__contains="fails").get() == mail
    assert Event.objects.filter(verb="record_canary_turn").count() == 2


def test_a_lost_message_counts_after_four_minutes_and_an_unknown_one_never(stack: Stack) -> None:
    canary, now = Canary.objects.get(stack=stack), timezone.now()
    row = canary_rounds.begin_canary_round(actor=ROOKERY, canary=canary, way=Way.IN, at=now)
    canary_rounds.record_canary_sent(actor=ROOKERY, row=row, said=Round({Part.ACCEPTED: 9}), at=now)
    canary_rounds.finish_canary_look(actor=ROOKERY, canary=canary, at=now)
    row.refresh_from_db()
    assert row.verdict == "waiting"
    assert canary.next_look_at - now == canary_rounds.WAITS
    canary_rounds.finish_canary_look(actor=ROOKERY, canary=canary, at=now + timedelta(minutes=4))
    row.refresh_from_db()
    assert (row.verdict, row.failed) == ("failed", "arrived")
    assert canary.ways.get(way="in").recent == [False]
    other = canary_rounds.begin_canary_round(actor=ROOKERY, canary=canary, way=Way.OUT, at=now)
    canary_rounds.record_canary_sent(actor=ROOKERY, row=other, said=None, problem="No DNS.", at=now)
    assert canary.ways.get(way="out").recent == []
    assert not canary_rounds.record_canary_arrival(actor=ROOKERY, tag="f" * 40, at=now)
    canary_rounds.finish_canary_look(actor=ROOKERY, canary=canary, at=now + timedelta(days=3))
    assert not canary.rounds.exists()


def test_nobody_else_says_that_mail_arrived(stack: Stack, alice: Actor) -> None:
    canary = Canary.objects.get(stack=stack)
    with pytest.raises(Forbidden):
        canary_rounds.begin_canary_round(actor=alice, canary=canary, way=Way.IN, at=timezone.now())


def test_an_older_stack_is_given_its_canary_by_a_button(as_alice: Client, stack: Stack) -> None:
    Canary.objects.all().delete()
    assert "Give it a canary" in text_of(as_alice.get(PAGE))
    assert "Not watched" in text_of(as_alice.get("/d/example.org"))
    assert as_alice.post("/d/example.org/stack/canary").status_code == 302
    assert Canary.objects.get(stack=stack).local_part == "rookery-canary"
    assert as_alice.post("/d/example.org/stack/canary").status_code == 302
    assert Canary.objects.count() == 1


def test_a_day_of_the_strip_is_what_was_watched() -> None:
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    span = CanarySpan(way="in", length="day", begins_at=today, proved=900, failed=100, lost=2)
    days = strip([span], today.date())
    assert len(days) == 90
    assert (days[-1].state, days[-1].said, days[-1].lost) == ("some", "90.00 %", 2)
    assert {each.state for each in days[:-1]} == {"none"}
