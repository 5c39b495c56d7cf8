"""Letters that are followed: asked for by page and by API, sent by workers, shown hop by hop."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.actions import canary_rounds, letters, stacks
from tenants.actions.domain_roles import give_domain_role
from tenants.actor import Actor
from tenants.errors import Conflict, Forbidden, TooMany
from tenants.formats.canary import Answer, Part, Round, Way
from tenants.letters import followed
from tenants.models import (
    Canary,
    CanaryRound,
    ConsoleLine,
    Domain,
    Event,
    OutgoingMail,
    Stack,
    Unikernel,
    UnikernelWatch,
)
from tests.conftest import account
from tests.contract.host_world import own_images
from tests.stacking import build_site
from tests.web.people import check_page, signed_in, text_of
from workers.errands.canary_keeper import due_letters

pytestmark = pytest.mark.django_db
PAGE, API = "/d/example.org/stack/letters", "/api/v1/domains/example.org/stack/letters/"
ROOKERY = Actor.rookery()
TOOK = {Part.DIAL: 10, Part.ACCEPTED: 90}
ANSWERS = (Answer(4, "RCPT TO:<rookery-canary@example.org>", "250 Ok, buddy! <b>bold</b>"),)


@pytest.fixture
def stack(settings: Any, tmp_path: Path, alice: Actor, domain: Domain) -> Stack:
    own_images(settings, tmp_path)
    settings.CANARY_HOME = "canary@panel.example.net"
    return build_site(alice, domain).make()


def ask(alice: Actor, stack: Stack, way: str = "in") -> CanaryRound:
    return letters.follow_letter(actor=alice, stack=stack, way=way)


def carry(letter: CanaryRound, at: datetime, said: Round | None = None) -> None:
    """As a worker does, up to what the first server says."""
    assert letters.begin_letter(actor=ROOKERY, letter=letter, at=at)
    said = said or Round(TOOK, answers=ANSWERS, source="198.51.100.7:40001")
    canary_rounds.record_canary_sent(actor=ROOKERY, row=letter, said=said, at=at)


def say(stack: Stack, role: str, at: datetime, text: str) -> None:
    assert stack.release is not None
    row = Unikernel.objects.get(share=stack.share, name=stack.release.labels[role])
    ConsoleLine.objects.create(unikernel=row, at=at, text=text)
    UnikernelWatch.objects.update_or_create(unikernel=row, defaults={"looked_at": at})


def address(stack: Stack, role: str) -> str:
    assert stack.release is not None
    found = next(part["address"] for part in stack.release.parts if part["role"] == role)
    return str(found).partition("/")[0]


def test_it_is_asked_for_by_a_button_and_shown_from_its_beginning_to_its_end(
    as_alice: Client, alice: Actor, stack: Stack
) -> None:
    shown = as_alice.get("/d/example.org/stack")
    check_page(shown)
    assert "Follow a letter into the domain" in text_of(shown)
    answer = as_alice.post(f"{PAGE}/follow", {"way": "in"})
    letter = CanaryRound.objects.get()
    assert (answer.status_code, answer.url) == (302, f"{PAGE}/{letter.pk}")  # type: ignore[attr-defined]
    page = as_alice.get(f"{PAGE}/{letter.pk}")
    check_page(page)
    assert "Not begun" in text_of(page)
    assert b"data-live-poll" in page.content
    assert list(due_letters()) == [letter]

    at = timezone.now()
    carry(letter, at)
    later = at + timedelta(milliseconds=120)
    say(stack, "verifier", later, "INF [ptt.hm] <198.51.100.7:40001> submitted a message")
    say(stack, "verifier", later, "INF [ptt.hm] <203.0.113.1:1> submitted a message")
    say(stack, "relay", later, f"INF <{address(stack, 'spamfilter')}:5> <script>alert(1)</script>")
    text = text_of(as_alice.get(f"{PAGE}/{letter.pk}", headers={"HX-Request": "true"}))
    assert "Under way" in text
    assert "<198.51.100.7:40001> submitted a message (its connection)" in text
    assert "203.0.113.1" not in text
    assert "No console line named it; what comes after had it." in text
    assert "250 Ok, buddy! <b>bold</b>" in text

    headers = [("Received", f"from <img src=x> by example.org; {at:%a, %d %b %Y %H:%M:%S} +0000")]
    arrived = at + timedelta(seconds=1)
    assert canary_rounds.record_canary_arrival(actor=ROOKERY, tag=letter.tag, at=arrived, headers=headers)
    page = as_alice.get(f"{PAGE}/{letter.pk}")
    check_page(page)
    assert b"<script>alert" not in page.content
    assert b"<img" not in page.content
    assert "It arrived after 1.0 s." in text_of(page)
    assert b"data-live-final" not in page.content, "lines may still come"
    CanaryRound.objects.update(ended_at=at - timedelta(minutes=1))
    assert b"data-live-final" in as_alice.get(f"{PAGE}/{letter.pk}").content
    assert "A letter into example.org" in text_of(as_alice.get(PAGE))
    assert not due_letters().exists()


def test_by_api_it_is_the_same(as_alice: Client, stack: Stack) -> None:
    made = as_alice.post(API, {"way": "out"}, content_type="application/json")
    assert made.status_code == 202, made.content
    assert made["Location"] == f"{API}{made.json()['id']}/"
    assert made.json()["verdict"] == "asked"
    letter = CanaryRound.objects.get()
    at = timezone.now()
    carry(letter, at, Round({Part.DIAL: 3}, Part.TLS, "It makes no TLS connection: it closed the connection"))
    told = as_alice.get(made["Location"]).json()
    assert (told["verdict"], told["failed"]) == ("failed", "tls")
    assert [hop["role"] for hop in told["hops"]] == ["submission", "signer", "relay"]
    assert told["stuck"].startswith("It came no further than the door of the submission server.")
    assert letter.tag not in str(told), "who knows it could write the message that counts"
    (listed,) = as_alice.get(f"{API}?way=out").json()["results"]
    assert listed["problem"] == "It makes no TLS connection: it closed the connection."
    assert as_alice.get(f"{API}?way=in").json()["results"] == []


def test_a_lost_letter_names_the_last_hop_and_counts_for_nothing(
    as_alice: Client, alice: Actor, stack: Stack
) -> None:
    canary, at = Canary.objects.get(stack=stack), timezone.now() - timedelta(minutes=5)
    before = list(canary.ways.values())
    letter = ask(alice, stack)
    carry(letter, at)
    source = f"INF <{address(stack, 'verifier')}:7> submitted a message"
    say(stack, "spamfilter", at + timedelta(seconds=1), source)
    letters.finish_letter_look(actor=ROOKERY, canary=canary, at=timezone.now())
    letter.refresh_from_db()
    assert (letter.verdict, letter.failed) == ("failed", "arrived")
    text = text_of(as_alice.get(f"{PAGE}/{letter.pk}"))
    assert "It was taken, and did not arrive within 4 minutes." in text
    assert "The spam filter is the last that it was seen at." in text
    assert list(canary.ways.values()) == before
    assert not canary.spans.exists()
    assert not canary.outages.exists()
    assert not OutgoingMail.objects.filter(subject__contains="fails").exists()
    canary_rounds.finish_canary_look(actor=ROOKERY, canary=canary, at=timezone.now() + timedelta(days=3))
    assert not canary.rounds.exists()


def test_one_at_a_time_ten_in_ten_minutes_and_only_where_one_can_go(alice: Actor, stack: Stack) -> None:
    letter = ask(alice, stack)
    with pytest.raises(Conflict, match="on this way already"):
        ask(alice, stack)
    ask(alice, stack, "out")
    for _ in range(8):
        CanaryRound.objects.update(verdict="proved")
        ask(alice, stack)
    CanaryRound.objects.update(verdict="proved")
    with pytest.raises(TooMany, match="Ten letters were followed"):
        ask(alice, stack)
    assert Event.objects.filter(verb="follow_letter").count() == 10
    with pytest.raises(Forbidden):
        letters.begin_letter(actor=alice, letter=letter, at=timezone.now())
    Canary.objects.all().delete()
    with pytest.raises(Conflict, match="has no canary"):
        ask(alice, stack)
    stacks.cancel_stack(actor=alice, stack=stack)
    stack.refresh_from_db()
    with pytest.raises(Conflict, match="Let it run first"):
        ask(alice, stack)


def test_what_no_worker_took_is_not_sent_any_more(as_alice: Client, alice: Actor, stack: Stack) -> None:
    canary, letter = Canary.objects.get(stack=stack), ask(alice, stack)
    letters.finish_letter_look(actor=ROOKERY, canary=canary, at=timezone.now() + timedelta(minutes=5))
    assert not letters.begin_letter(actor=ROOKERY, letter=letter, at=timezone.now())
    assert letter.verdict == "unknown"
    assert "No worker took it in time" in text_of(as_alice.get(f"{PAGE}/{letter.pk}"))


def test_an_ordinary_round_keeps_no_answers_and_is_no_letter(as_alice: Client, stack: Stack) -> None:
    canary, at = Canary.objects.get(stack=stack), timezone.now()
    row = canary_rounds.begin_canary_round(actor=ROOKERY, canary=canary, way=Way.IN, at=at)
    said = Round(TOOK, answers=ANSWERS, source="198.51.100.7:40001")
    canary_rounds.record_canary_sent(actor=ROOKERY, row=row, said=said, at=at)
    row.refresh_from_db()
    assert (row.answers, row.source, row.headers) == ([], "", [])
    assert as_alice.get(f"{PAGE}/{row.pk}").status_code == 404
    assert as_alice.get(f"{API}{row.pk}/").status_code == 404
    assert as_alice.get(API).json()["results"] == []


def test_who_may_not_see_the_machines_sees_no_console(as_alice: Client, alice: Actor, stack: Stack) -> None:
    eye = account("eye")
    give_domain_role(actor=alice, domain=stack.domain, email=eye.email, role="observer")
    letter, at = ask(alice, stack), timezone.now()
    carry(letter, at)
    say(stack, "verifier", at, "INF <198.51.100.7:40001> submitted a message")
    (mine, *_), (theirs, *_) = followed(alice, letter).steps, followed(Actor(account=eye), letter).steps
    assert (len(mine.seen.found), mine.console) == (1, "")
    assert (len(theirs.seen.found), theirs.unikernel) == (0, None)
    assert theirs.console == "You may not see its console."
    page = signed_in(eye).get(f"{PAGE}/{letter.pk}")
    check_page(page)
    assert "submitted a message" not in text_of(page)
    assert signed_in(eye).post(f"{PAGE}/follow", {"way": "in"}).status_code == 403
    assert "submitted a message" in text_of(as_alice.get(f"{PAGE}/{letter.pk}"))
