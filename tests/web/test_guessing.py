"""Guessing at the sign-in: who measures time learns nothing, and who guesses locks nobody out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from tenants import limits
from tenants.actor import Actor
from tenants.models import Account, Allowance, Event, OutgoingMail, SignInLink

EMAIL, PASSWORD = "alice@people.example", "quartz slope vivid ferry"
KNOWN = django_settings.KNOWN_BROWSER_COOKIE_NAME


@pytest.fixture
def person(alice: Actor) -> Account:
    assert alice.account is not None
    alice.account.set_password(PASSWORD)
    alice.account.save()
    return alice.account


def try_password(browser: Client, password: str, email: str = EMAIL) -> Any:
    return browser.post("/sign-in", {"way": "password", "email": email, "password": password})


def ratio(ask: Callable[[str, int], object], rounds: int) -> float:
    """How much longer the slower of known and unknown takes; both are measured in turns."""
    taken: dict[str, list[float]] = {EMAIL: [], "nobody@people.example": []}
    for number in range(rounds):
        for email, times in taken.items():
            Allowance.objects.all().delete()
            begun = time.perf_counter()
            ask(email, number)
            times.append(time.perf_counter() - begun)
    # The shortest: what else the machine does only makes times longer.
    known, unknown = (min(times) for times in taken.values())
    return max(known, unknown) / min(known, unknown)


@pytest.mark.django_db
@pytest.mark.one_database
def test_a_password_takes_as_long_for_nobody(person: Account) -> None:
    assert ratio(lambda email, number: try_password(Client(), f"wrong {number}", email), 4) < 1.6


@pytest.mark.django_db(transaction=True)
def test_a_link_takes_as_long_for_nobody(person: Account) -> None:
    assert ratio(lambda email, _: Client().post("/sign-in", {"way": "link", "email": email}), 12) < 1.6
    assert SignInLink.objects.filter(account=person).count() == 12
    assert OutgoingMail.objects.filter(recipient=EMAIL).count() == 12
    # What was written for nobody was taken back.
    assert SignInLink.objects.exclude(account=person).count() == 0
    assert OutgoingMail.objects.filter(recipient__startswith="nobody@").count() == 0
    assert Event.objects.filter(subject__startswith="nobody@").count() == 0


@pytest.mark.django_db
@pytest.mark.one_database
def test_guesses_of_others_do_not_lock_a_known_browser_out(person: Account, quick_passwords: None) -> None:
    person.set_password(PASSWORD)
    person.save()
    hers = Client()
    assert try_password(hers, PASSWORD).status_code == 302
    assert hers.cookies[KNOWN]["httponly"]
    hers.post("/sign-out")
    for number in range(limits.PASSWORDS_PER_ACCOUNT.count):
        assert try_password(Client(), f"wrong {number}").status_code == 400
    # Everybody else is locked out, also with the right one; also in her own network.
    assert try_password(Client(), PASSWORD).status_code == 429
    assert try_password(hers, PASSWORD).status_code == 302


@pytest.mark.django_db
@pytest.mark.one_database
def test_a_known_browser_has_a_limit_of_its_own(person: Account, quick_passwords: None) -> None:
    hers = Client()
    person.set_password(PASSWORD)
    person.save()
    try_password(hers, PASSWORD)
    hers.post("/sign-out")
    for number in range(limits.PASSWORDS_PER_ACCOUNT.count):
        assert try_password(hers, f"wrong {number}").status_code == 400
    assert try_password(hers, PASSWORD).status_code == 429
    assert try_password(Client(), PASSWORD).status_code == 302


@pytest.mark.django_db
@pytest.mark.one_database
@pytest.mark.parametrize("forged", ["", "x", "eyJhIjoxfQ:1:1", "another"])
def test_only_our_own_cookie_of_this_account_counts(
    forged: str, person: Account, charlie: Actor, quick_passwords: None
) -> None:
    browser = Client()
    if forged == "another":
        assert charlie.account is not None
        charlie.account.set_password(PASSWORD)
        charlie.account.save()
        try_password(browser, PASSWORD, charlie.account.email)
        browser.post("/sign-out")
    else:
        browser.cookies[KNOWN] = forged
    for number in range(limits.PASSWORDS_PER_ACCOUNT.count):
        try_password(Client(), f"wrong {number}")
    assert try_password(browser, "one more").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_a_limit_holds_when_all_come_at_once(person: Account, quick_passwords: None) -> None:
    answers: list[int] = []

    def guess(number: int) -> None:
        try:
            answers.append(try_password(Client(), f"wrong {number}").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(answers) == [400] * limits.PASSWORDS_PER_ACCOUNT.count + [429] * 6
