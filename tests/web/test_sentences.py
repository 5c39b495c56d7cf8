"""Headlines and the one next step of a domain, as tables: what is said follows from what stands below it."""

from __future__ import annotations

from typing import Any

import pytest

from panel.web import sentences
from panel.web.sentences import DomainFacts, DomainStanding, State, domain_standing


@pytest.mark.parametrize(
    ("facts", "badge", "headline", "next_step"),
    [
        ({}, "ok", "x.example is ready for its first address.", "addresses"),
        ({"addresses": 2, "proved": "12 s ago"}, "ok", "Mail for x.example works.", "addresses"),
        ({"addresses": 2, "requests": 3}, "ok", "Mail for x.example works.", "requests"),
        ({"addresses": 2, "unconfirmed": 1}, "ok", "Mail for x.example works.", "unconfirmed"),
        ({"connected": False, "observed": False}, "todo", "x.example has no mail server yet.", "connect"),
        ({"stop_code": "host-key-unknown", "observed": False}, "todo", "compared a key", "repository"),
        ({"stop_code": "push-refused", "unreachable": "No answer."}, "fail", "are held up", "run"),
        ({"unreachable": "No answer.", "observed": False}, "wait", "cannot be reached", "repository"),
        ({"changed_outside": 1, "observed": False}, "todo", "Somebody else changed x.example", "repository"),
        ({"observed": False, "taken_up": False}, "live", "is on its way", "runs"),
        ({"taken_up": False}, "live", "are starting again", "runs"),
        ({"taken_up": False, "restart_by_hand": True}, "todo", "have to be restarted", "repository"),
        ({"wrong": 2, "taken_up": False}, "live", "are starting again", "runs"),
        ({"addresses": 2, "wrong": 1, "requests": 3}, "todo", "1 thing is wrong with mail for", "checks"),
    ],
)
def test_a_domain_says_the_first_thing_that_holds(
    facts: dict[str, Any], badge: str, headline: str, next_step: str
) -> None:
    standing = domain_standing(DomainFacts(name="x.example", **facts))
    assert standing.state.badge == badge
    assert headline in standing.headline
    assert "x.example" in standing.headline
    assert standing.next_step == next_step
    assert standing.button
    assert standing.sentence.endswith(".")


def standings(*badges: str) -> list[DomainStanding]:
    return [DomainStanding(State(badge, ""), "", "") for badge in badges]


@pytest.mark.parametrize(
    ("badges", "said"),
    [
        ((), "Hello. There is no domain yet."),
        (("ok",), "Hello. Your domain is healthy."),
        (("ok", "live"), "Hello. All 2 domains are healthy."),
        (("todo",), "Hello. Your domain needs you."),
        (("ok", "todo"), "Hello. 1 of 2 domains is healthy; 1 needs you."),
        (("ok", "ok", "fail", "todo"), "Hello. 2 of 4 domains are healthy; 2 need you."),
        (("fail", "todo"), "Hello. 2 of 2 domains need you."),
        (("wait",), "Hello. Your domain waits for its server."),
        (("ok", "wait", "wait"), "Hello. 1 of 3 domains is healthy; 2 wait for a server."),
    ],
)
def test_the_overviews_headline_counts_what_is_below(badges: tuple[str, ...], said: str) -> None:
    assert sentences.overview_headline("Hello", standings(*badges)) == said


@pytest.mark.parametrize(
    ("total", "moving", "troubled", "said"),
    [
        (0, 0, 0, "x.example has no address yet."),
        (1, 0, 0, "The one address of x.example is as asked."),
        (14, 0, 0, "All 14 addresses of x.example are as asked."),
        (14, 1, 0, "14 addresses of x.example; 1 change is on the way."),
        (14, 2, 1, "14 addresses of x.example; 2 changes are on the way, 1 needs you."),
    ],
)
def test_the_headline_of_addresses(total: int, moving: int, troubled: int, said: str) -> None:
    assert sentences.addresses_headline("x.example", total, moving, troubled) == said
