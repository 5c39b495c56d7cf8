"""Sessions: a list with words, closing them, what ends them, and that the database has no key of any."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from panel.sessions import digest
from tenants.actions import accounts, organizations, second_factors
from tenants.actor import Actor
from tenants.formats.agents import in_words
from tenants.models import Account, Organization, Session
from tests.web.people import check_page, link_in, mails_to, signed_in, text_of
from tests.web.test_needed_factors import set_up

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
COOKIE = django_settings.SESSION_COOKIE_NAME


@pytest.fixture
def person(alice: Actor) -> Account:
    assert alice.account is not None
    return alice.account


def by_link(account: Account, **headers: Any) -> Client:
    browser = Client(**headers)
    browser.post("/sign-in", {"way": "link", "email": account.email})
    browser.post(link_in(mails_to(account.email)[-1], "/sign-in/"))
    return browser


def key_of(browser: Client) -> str:
    return browser.cookies[COOKIE].value


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def test_the_database_has_digests_of_keys_only(person: Account) -> None:
    browser = by_link(person)
    row = Session.objects.get(account=person)
    assert row.session_key == digest(key_of(browser))
    stored = " ".join(str(value) for value in Session.objects.values_list())
    assert key_of(browser) not in stored
    # What the database holds opens nothing.
    thief = Client()
    thief.cookies[COOKIE] = row.session_key
    assert not is_in(thief)
    assert is_in(browser)


def test_the_list_says_where_one_is_signed_in(person: Account) -> None:
    here, there = by_link(person, HTTP_USER_AGENT=FIREFOX), by_link(person, HTTP_USER_AGENT="curl/8")
    Session.objects.filter(agent="curl/8").update(seen_at=timezone.now() - timedelta(hours=3))
    page = here.get("/account/sessions")
    check_page(page)
    told = text_of(page)
    assert "In this browser and in 1 more." in told
    assert told.index("Firefox on Linux (this one)") < told.index("curl")
    assert "from 127.0.0.1" in told
    assert is_in(there)
    assert timezone.now() - Session.objects.get(agent="curl/8").seen_at < timedelta(minutes=1)


def test_one_is_closed_or_all_others(person: Account) -> None:
    here, second, third = by_link(person), by_link(person), by_link(person)
    body = here.get("/account/sessions").content.decode()
    names = re.findall(r'name="session" value="([0-9a-f]{16})"', body)
    assert len(names) == 2
    assert here.post("/account/sessions/close", {"session": digest(key_of(second))[:16]}).status_code == 302
    assert (is_in(here), is_in(second), is_in(third)) == (True, False, True)
    here.post("/account/sessions/close")
    assert (is_in(here), is_in(third)) == (True, False)


def test_nobody_closes_another_s(person: Account, charlie: Actor) -> None:
    browser = by_link(person)
    assert charlie.account is not None
    name = digest(key_of(browser))[:16]
    assert signed_in(charlie.account).post("/account/sessions/close", {"session": name}).status_code == 404
    assert is_in(browser)


def test_a_factor_that_comes_or_goes_ends_the_others(person: Account, alice: Actor) -> None:
    here, other = by_link(person), by_link(person)
    here.post("/account/second-factors/app")
    seed = second_factors.pending_seed(person)
    assert seed is not None
    from tenants.formats import one_time_codes as codes

    here.post(
        "/account/second-factors/app",
        {"code": codes.code_at(seed, codes.step_at(timezone.now().timestamp()))},
    )
    assert (is_in(here), is_in(other)) == (True, False)
    other = signed_in(person)
    before = key_of(here)
    here.post("/account/second-factors/app/remove")
    assert (is_in(here), is_in(other)) == (True, False)
    assert key_of(here) != before


def test_another_rank_is_another_key(person: Account, organization: Organization) -> None:
    member = accounts.account_for("mona@people.example")
    organizations.add_member(
        actor=Actor(account=person), organization=organization, email=member.email, role="viewer"
    )
    browser = signed_in(member)
    before = key_of(browser)
    organizations.add_member(
        actor=Actor(account=person), organization=organization, email=member.email, role="owner"
    )
    assert is_in(browser)
    assert key_of(browser) != before
    old = Client()
    old.cookies[COOKIE] = before
    assert not is_in(old)
    after = key_of(browser)
    assert is_in(browser)
    assert key_of(browser) == after


def test_an_operator_s_session_ends_after_hours(olga: Actor, person: Account, settings: Any) -> None:
    assert olga.account is not None
    browsers = [by_link(olga.account), by_link(person)]
    Session.objects.update(begun_at=timezone.now() - settings.STAFF_SESSION - timedelta(seconds=1))
    assert [is_in(each) for each in browsers] == [False, True]
    assert not Session.objects.filter(account=olga.account).exists()


def test_lost_factors_end_sessions(person: Account, alice: Actor) -> None:
    set_up(alice)
    browser = signed_in(person)
    second_factors.forget_second_factors(actor=Actor.rookery(), email=person.email)
    assert not is_in(browser)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
                " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
            ),
            "Edge on Windows",
        ),
        (
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"
                " like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone",
        ),
        ("curl/8.14", "curl"),
        ("<script>", "An unknown browser"),
        ("", "An unknown browser"),
    ],
)
def test_browsers_have_words(agent: str, words: str) -> None:
    assert in_words(agent) == words


def test_a_renewed_key_signs_nobody_out_and_a_retired_one_only_who_stayed_away(
    alice: Actor, bob: Actor, settings: Any
) -> None:
    """docs/operations.md, renewing the key that signs."""
    former = settings.SECRET_KEY
    came, stayed = signed_in(alice.account), signed_in(bob.account)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, [former]
    assert came.get("/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert came.get("/").status_code == 200
    assert stayed.get("/").status_code == 302
