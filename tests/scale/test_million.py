"""A list of a million addresses costs what one of a thousand costs: each page, filter and search.

Two organizations in one database, one with a thousand of everything and one with `ROWS`. What each page
makes the database do is counted; that of the large one is held against that of the small one, and the small
one's must not grow because of its neighbour. `ROOKERY_TEST_ROWS=1000000` makes it the real million.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from tests.access.stage import Person, Stage, build_stage
from tests.api.client import Api
from tests.scale.cost import Cost, cost_of
from tests.scale.fill import analyse, fill

ROWS = int(os.environ.get("ROOKERY_TEST_ROWS", "30000"))
FEW = 1000
LAST = "user1099999"

PAGES = (
    "/",
    "/domains",
    "/d/{domain}",
    "/d/{domain}/addresses",
    "/d/{domain}/addresses?after={middle}",
    "/d/{domain}/addresses?before={middle}",
    "/d/{domain}/addresses?only=off",
    "/d/{domain}/addresses?only=unconfirmed",
    "/d/{domain}/addresses?only=alias",
    "/d/{domain}/addresses?only=ending",
    "/d/{domain}/addresses?only=trash",
    "/d/{domain}/addresses?q=user1",
    "/d/{domain}/addresses?q=nobody",
    "/d/{domain}/addresses?q={middle}@home.example",
    "/d/{domain}/addresses/{middle}",
    "/d/{domain}/addresses/{middle}/history",
    "/d/{domain}/trash",
    "/d/{domain}/activity",
    "/d/{domain}/activity?verb=people",
    "/d/{domain}/requests",
    "/d/{domain}/requests?only=refused",
    "/d/{domain}/requests?only=waiting",
    "/d/{domain}/requests?q=wish1",
    "/d/{domain}/requests?q=nobody",
    "/d/{domain}/requests/invitations",
    "/d/{domain}/settings/names",
    "/d/{domain}/settings/aliases",
    "/d/{domain}/settings/repository",
    "/d/{domain}/settings/repository/findings",
    "/d/{domain}/settings/repository/findings?only=changed",
    "/d/{domain}/settings/repository/findings?after=entry10000500",
    "/requests",
    "/requests?only=approved",
    "/requests?q=wish1",
    "/requests?q=nobody",
    "/o/{organization}/activity",
    "/o/{organization}/activity?verb=people",
    "/runs",
    "/runs?domain={domain}",
    "/activity",
    "/activity?before=2000",
    "/activity?verb=addresses",
    "/activity?verb=people",
    "/activity?verb=passphrases",
    "/activity?actor=Alice",
    "/activity?actor=Rare+Person",
    "/activity?actor=Nobody",
    "/activity?domain={domain}",
    "/activity?domain={domain}&verb=people",
    "/activity?to=2020-01-01",
    "/activity?from=2100-01-01",
    "/search?q=user1",
    "/search?q={middle}",
    "/search?q={middle}@{domain}",
    "/search?q=nobody",
    "/search?q=wish1",
    "/account",
    "/my",
)
LISTS = (
    "domains/",
    "domains/{domain}/mailboxes/",
    "domains/{domain}/mailboxes/?order=-address",
    "domains/{domain}/mailboxes/?order=-changed",
    "domains/{domain}/mailboxes/?state=works",
    "domains/{domain}/mailboxes/?state=writing",
    "domains/{domain}/mailboxes/?state=stopped",
    "domains/{domain}/mailboxes/?state=off",
    "domains/{domain}/mailboxes/?state=unconfirmed",
    "domains/{domain}/mailboxes/?state=trashed",
    "domains/{domain}/mailboxes/?kind=alias",
    "domains/{domain}/mailboxes/?q=user1",
    "domains/{domain}/mailboxes/?q=nobody",
    "domains/{domain}/mailboxes/?q={middle}@home.example",
    "mailboxes/{middle}@{domain}/",
    "requests/",
    "requests/?order=id",
    "requests/?status=confirmed",
    "requests/?domain={domain}",
    "requests/?q=wish1",
    "requests/?q=nobody",
    "domains/{domain}/trash/",
    "domains/{domain}/invitations/",
    "domains/{domain}/held-names/",
    "mailboxes/{middle}@{domain}/activity/",
    "runs/",
    "runs/?domain={domain}",
    "runs/?state=stopped",
    "runs/?target={target}&order=id",
    "targets/",
    "targets/{target}/findings/",
    "targets/{target}/findings/?kind=drift",
    "events/",
    "events/?order=id",
    "events/?organization={organization}&verb=add_member",
    "events/?verb=add_member",
    "events/?domain={domain}",
    "events/?target={target}",
    "events/?mailbox={middle}@{domain}",
)


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def stage(db: None) -> Stage:
    """Alice's organization is large and charlie's small."""
    made = build_stage()
    fill(made.ours, ROWS)
    fill(made.theirs, FEW)
    analyse()
    return made


def ask(person: Person, address: str) -> Cost:
    answers: list[Any] = []

    def once() -> None:
        answers.append(
            person.ask("GET", address) if address.startswith("/") else Api(person.key).get(address)
        )

    once()  # caches of templates and the like
    cost = cost_of(once)
    assert {answer.status_code for answer in answers} == {200}, address
    return cost


@pytest.mark.timeout(900)
@pytest.mark.parametrize("address", [*PAGES, *LISTS])
def test_a_million_costs_what_a_thousand_costs(address: str, stage: Stage) -> None:
    large = ask(stage.people["alice"], address.format(**stage.ours.names, middle="user10000500"))
    small = ask(stage.people["charlie"], address.format(**stage.theirs.names, middle="user10000500"))
    print(f"{address}: {large.seconds / small.seconds:.1f} times as long as with {FEW:,}")  # noqa: T201
    # Counts stop at 1,000, which the small one has, too.
    assert large.work <= 2 * small.work + bound(), f"{large.told()}\n\nagainst {small.told()}"
    assert small.work <= most(), small.told()


OF_ALL = (
    "/",
    "/domains",
    "/requests",
    "/requests?only=refused",
    "/requests?only=approved",
    "/requests?q=nobody",
    "/runs",
    "/activity",
    "/activity?verb=people",
    "/activity?to=2020-01-01",
    "/activity?actor=Rare+Person",
    "/search?q=user1",
    "/search?q=nobody",
    "/search?q=user10000500",
    "events/",
    "events/?verb=add_member",
    "requests/",
    "runs/",
    "runs/?state=stopped",
    "targets/",
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("address", OF_ALL)
def test_an_operator_sees_all_and_waits_no_longer(address: str, stage: Stage) -> None:
    cost = ask(stage.people["olga"], address)
    assert cost.work <= most(), cost.told()


OF_A_HOLDER = (
    "/my",
    "/account",
    "/search?q=ada",
    "/search?q=nobody",
    "/d/{domain}/addresses/ada",
    "/d/{domain}/addresses/ada/history",
    "mailboxes/ada@{domain}/",
    "mailboxes/ada@{domain}/activity/",
    "events/?mailbox=ada@{domain}",
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("address", OF_A_HOLDER)
def test_who_holds_one_of_a_million_waits_no_longer(address: str, stage: Stage) -> None:
    cost = ask(stage.people["hanna"], address.format(**stage.ours.names))
    assert cost.work <= most() // 10, cost.told()


def most() -> int:
    """What any page may do: a dozen counts that stop at 1,000, and its rows."""
    return 20_000 if connection.vendor == "postgresql" else 800_000


def bound() -> int:
    """What a page may do besides: steps, or rows.

    PostgreSQL reads the newest of all where it thinks that most of them are of the organization; here the
    newest are the small one's.
    """
    return 3 * FEW if connection.vendor == "postgresql" else 20_000
