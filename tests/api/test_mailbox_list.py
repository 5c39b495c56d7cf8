"""The list of addresses: what it says, how it pages, and what it costs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from panel.api.mailbox_rows import pieces_in_state, rows_of, show_rows
from tenants.actions import domains
from tenants.actor import Actor
from tenants.address_states import AddressState
from tenants.models import (
    Condition,
    Domain,
    Mailbox,
    Organization,
    Repository,
    Run,
    SyncTarget,
    TargetAddress,
)
from tests.api.client import Api, shared_client
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def fill(domain: Domain, count: int) -> None:
    now = timezone.now()
    rows = Mailbox.objects.bulk_create(
        Mailbox(
            domain=domain,
            local_part=f"user{index:05}",
            kind="mailbox",
            sealed_hash=b"sealed",
            note=f"Number {index}",
            generation=1,
            reached=True,
            changed_at=now,
        )
        for index in range(count)
    )
    TargetAddress.objects.bulk_create(
        TargetAddress(
            mailbox=row,
            address=f"{row.local_part}@home.example",
            digest=f"{row.pk:064}",
            asked_at=now,
            confirmed_at=now,
        )
        for row in rows
    )


def names(answer: Any) -> list[str]:
    return [each["address"].partition("@")[0] for each in answer.json()["results"]]


def test_a_mailbox_says_everything_but_its_hash(api: Callable[..., Api], alice: Actor, world: World) -> None:
    answer = api(alice).get("mailboxes/ada@example.org/")
    assert answer.json() == {
        "address": "ada@example.org",
        "domain": "example.org",
        "kind": "mailbox",
        "enabled": True,
        "state": "writing",
        "observed": False,
        "targets": [
            {
                "address": "ada@home.example",
                "confirmed_at": answer.json()["targets"][0]["confirmed_at"],
                "exchange": "",
            },
            {"address": "second@home.example", "confirmed_at": None, "exchange": ""},
        ],
        "delivers_to": [],
        "made_for": None,
        "expires_at": None,
        "note": "",
        "generation": world.mailbox.generation,
        "created_at": answer.json()["created_at"],
        "changed_at": answer.json()["changed_at"],
        "trashed_at": None,
    }
    listed = api(alice).get("domains/example.org/mailboxes/").json()["results"]
    assert listed[0] == answer.json()
    assert [each["address"] for each in listed] == ["ada@example.org", "team@example.org"]
    assert (listed[1]["kind"], listed[1]["delivers_to"]) == ("alias", ["ada@example.org"])


def test_pages_follow_each_other_and_lose_nothing(
    api: Callable[..., Api], alice: Actor, domain: Domain
) -> None:
    fill(domain, 7)
    owner, seen = api(alice), []
    address: Any = "domains/example.org/mailboxes/?limit=3"
    for _ in range(3):
        answer = owner.get(address)
        seen += names(answer)
        Mailbox.objects.filter(local_part=seen[0]).delete()  # rows that go do not shift the rest
        address = answer.json()["next"]
    assert address is None
    assert seen == [f"user{index:05}" for index in range(7)]


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "NQ", "Ilx1MDAwMCI", "W1tbW1tb", "!!!", "é"])
def test_a_made_up_cursor_is_refused_or_harmless(
    cursor: str, api: Callable[..., Api], alice: Actor, domain: Domain
) -> None:
    answer = api(alice).get(f"domains/example.org/mailboxes/?cursor={cursor}")
    if cursor:
        assert answer.status_code == 400
        assert answer.json()["problems"][0]["field"] == "cursor"
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ADA", ["ada"]),
        ("q=second@home.example", ["ada"]),
        ("q=ada@example.org", ["ada"]),
        ("q=second@home", []),
        ("kind=alias", ["team"]),
        ("kind=alias&state=unconfirmed", []),
        ("q=100%25", []),
        ("q=babbage", []),
        # What the mail servers still have is not in the trash yet.
        ("state=trashed", []),
        ("state=restarting", ["babbage"]),
        ("state=restarting&q=babbage", ["babbage"]),
        ("state=writing", ["ada", "team"]),
        ("state=works", []),
    ],
)
def test_filters(query: str, found: list[str], api: Callable[..., Api], alice: Actor, world: World) -> None:
    assert names(api(alice).get(f"domains/example.org/mailboxes/?{query}")) == found


def test_a_holder_reads_one_address_and_not_the_list(
    api: Callable[..., Api], make_mailbox: Callable[..., Mailbox]
) -> None:
    from tests.conftest import account

    person = account("dora")
    make_mailbox("dora", holder=person)
    make_mailbox("other")
    dora = api(Actor(account=person))
    assert dora.get("mailboxes/dora@example.org/").status_code == 200
    assert dora.get("mailboxes/other@example.org/").status_code == 404
    assert dora.get("domains/example.org/mailboxes/").status_code == 404
    assert dora.get("account/").json()["addresses"] == ["dora@example.org"]


def test_states_told_and_filtered_are_the_same(
    olga: Actor, organization: Organization, domain: Domain
) -> None:
    """Every combination of what the state depends on, in one table."""
    bare = domains.create_domain(actor=olga, organization=organization, name="bare.example")
    now = timezone.now()
    repository = Repository.objects.create(
        organization=organization, domain=domain, host="h.example", path="p", public_key="k", sealed_key=b"k"
    )
    target = SyncTarget.objects.create(
        kind="relay_repository",
        organization=organization,
        repository=repository,
        marked_at=now,
        generation=5,
        observed_generation=3,
    )
    switches = product((domain, bare), (None, now), (True, False), (None, now), (0, 3, 4))
    for index, (home, trashed_at, enabled, confirmed_at, generation) in enumerate(switches):
        mailbox = Mailbox.objects.create(
            domain=home,
            local_part=f"u{index}",
            sealed_hash=b"x",
            enabled=enabled,
            trashed_at=trashed_at,
            generation=generation,
            reached=confirmed_at is not None,
            changed_at=now,
        )
        TargetAddress.objects.create(
            mailbox=mailbox,
            address="a@home.example",
            digest=f"{index:064}",
            asked_at=now,
            confirmed_at=confirmed_at,
        )
    for run_generation in (2, 3):
        at = now + timedelta(minutes=run_generation - 5)
        Run.objects.create(
            target=target, state="succeeded", generation=run_generation, created_at=at, finished_at=at
        )
    everything = Mailbox.objects.select_related("domain")
    seen = set()
    for stop_generation, reload, reachable, apart, proved in product(
        (0, 4, 5), RELOADS, (None, True, False), ({}, {"u3": "x", "u9": "x", "u22": "x"}), (3, 0)
    ):
        SyncTarget.objects.filter(pk=target.pk).update(
            stop_code="many-deletions" if stop_generation else "",
            stop_generation=stop_generation,
            observed_generation=proved,
            proof={"commit": "abc", "apart": apart} if proved else {},
        )
        Condition.objects.all().delete()
        for kind, status, reason, details in (
            ("ReloadPending", *reload),
            ("Reachable", reachable, "r", {}),
        ):
            if status is not None:
                Condition.objects.create(
                    target=target,
                    type=kind,
                    status=status,
                    reason=reason,
                    message="m",
                    details=details,
                    since=now,
                    seen_at=now,
                )
        rows = show_rows(list(rows_of(Mailbox.objects.all())))
        for state in AddressState:
            told = sorted(row["address"] for row in rows if row["state"] == state)
            pieces = [piece for home in (domain, bare) for piece in pieces_in_state(everything, home, state)]
            assert told == sorted({str(each) for piece in pieces for each in piece}), state
            seen |= {state} if told else set()
    assert seen == set(AddressState)


# Of the condition about restarts: its status, reason and details.
RELOADS = (
    (None, "", {}),
    (True, "RestartByHand", {}),
    (True, "Restarting", {}),
    (False, "TakenUp", {"commit": "abc"}),
    (False, "TakenUp", {"commit": "earlier"}),
)


def _queries(client: Api, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_number_of_queries_does_not_grow(api: Callable[..., Api], alice: Actor, domain: Domain) -> None:
    owner, address = api(alice), "domains/example.org/mailboxes/?limit=200"
    fill(domain, 2)
    owner.get(address)
    few = _queries(owner, address)
    Mailbox.objects.all().delete()
    fill(domain, 150)
    many = _queries(owner, address)
    assert few == many <= 7  # one of them asks whether somebody has a role on any domain


@pytest.mark.one_database
@pytest.mark.urls("tests.api.naive")
def test_it_does_at_most_a_third_of_what_a_model_serializer_does(
    api: Callable[..., Api], alice: Actor, domain: Domain
) -> None:
    """In calls of functions, which no other program on the machine changes; bin/bench measures the time."""
    fill(domain, 100)
    headers = api(alice).headers

    def get(address: str) -> None:
        assert shared_client().get(address, headers=headers).status_code == 200

    ours, naive = "/api/v1/domains/example.org/mailboxes/", "/naive/example.org/"
    get(ours)
    get(naive)
    assert _calls(lambda: get(ours)) <= _calls(lambda: get(naive)) / 3


def _calls(do: Callable[[], object]) -> int:
    """How many functions are called meanwhile."""
    count = 0

    def count_call(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(count_call)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


def test_times_are_rfc_3339_in_utc(api: Callable[..., Api], alice: Actor, world: World) -> None:
    told = api(alice).get("mailboxes/ada@example.org/").json()["changed_at"]
    assert told.endswith("Z")
    world.mailbox.refresh_from_db()
    from datetime import datetime

    assert abs(datetime.fromisoformat(told) - world.mailbox.changed_at) < timedelta(milliseconds=1)
