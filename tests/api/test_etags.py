"""Entity tags: every single thing has one, reads are spared, and of two writers one is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F

from tenants.actor import Actor
from tenants.models import Mailbox, Organization, SyncTarget
from tests.api.client import Api
from tests.tenants.test_at_once import at_once
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]

ADA = "mailboxes/ada@example.org/"


def test_the_tag_of_an_answer_is_the_tag_of_reading(
    api: Callable[..., Api], world: World, alice: Actor
) -> None:
    client = api(alice)
    wish = {"local_part": "mary", "targets": ["mary@home.example"]}
    made = client.post("domains/example.org/mailboxes/", wish)
    assert made["ETag"] == client.get("mailboxes/mary@example.org/")["ETag"]
    changed = client.patch("mailboxes/mary@example.org/", {"note": "new"}, headers={"If-Match": made["ETag"]})
    assert changed["ETag"] == client.get("mailboxes/mary@example.org/")["ETag"] != made["ETag"]
    late = client.patch("mailboxes/mary@example.org/", {"note": "x"}, headers={"If-Match": made["ETag"]})
    assert (late.status_code, late["ETag"]) == (412, changed["ETag"])
    assert Mailbox.objects.get(local_part="mary").note == "new"
    domain = client.patch("domains/example.org/", {"requests": "closed"})
    assert domain["ETag"] == client.get("domains/example.org/")["ETag"]


def test_what_workers_report_is_news_but_no_change(
    api: Callable[..., Api], world: World, alice: Actor
) -> None:
    client = api(alice)
    read = client.get(ADA)
    SyncTarget.objects.update(observed_generation=F("generation"))
    news = client.get(ADA, headers={"If-None-Match": read["ETag"]})
    assert (news.status_code, news.json()["observed"]) == (200, True)
    assert news["ETag"] != read["ETag"]
    assert client.patch(ADA, {"note": "x"}, headers={"If-Match": read["ETag"]}).status_code == 200


def test_a_dry_run_compares_too(api: Callable[..., Api], world: World, alice: Actor) -> None:
    stale = api(alice).patch(f"{ADA}?dry_run=true", {"note": "x"}, headers={"If-Match": '"old"'})
    assert stale.status_code == 412
    answer = api(alice).patch(f"{ADA}?dry_run=true", {"note": "x"}, headers={"If-Match": stale["ETag"]})
    assert (answer.status_code, "ETag" in answer) == (200, False)


@pytest.mark.parametrize("tag", ["", "x", '"a', "W/", '"a" "b"', '"\x7f"', ", ".join(['"a"'] * 21)])
def test_what_is_no_tag_is_refused_by_name(
    tag: str, api: Callable[..., Api], world: World, alice: Actor
) -> None:
    for method, header in (("PATCH", "If-Match"), ("GET", "If-None-Match")):
        body = {"note": "x"} if method == "PATCH" else None
        answer = api(alice).ask(method, ADA, body, headers={header: tag})
        assert answer.status_code == 400
        assert answer.json()["problems"][0]["field"] == header
    assert Mailbox.objects.get(local_part="ada").note == ""


def test_any_tag_will_do(api: Callable[..., Api], world: World, alice: Actor) -> None:
    assert api(alice).patch(ADA, {"note": "x"}, headers={"If-Match": "*"}).status_code == 200
    absent = api(alice).patch("mailboxes/no@example.org/", {"note": "x"}, headers={"If-Match": "*"})
    assert absent.status_code == 404
    refused = api(alice).patch(ADA, {"note": "x"}, headers={"If-None-Match": "*"})
    assert refused.json()["problems"][0]["field"] == "If-None-Match"


@pytest.mark.django_db(transaction=True)
def test_two_writers_with_one_tag(
    api: Callable[..., Api], alice: Actor, make_mailbox: Callable[..., Mailbox]
) -> None:
    """They compare under the row's lock: both may have read the same, only one writes."""
    make_mailbox()
    client = api(alice)
    for turn in range(3):
        tag = client.get(ADA)["ETag"]
        answers: list[Any] = at_once(
            *(
                lambda note=note: client.patch(ADA, {"note": note}, headers={"If-Match": tag})  # noqa: B023
                for note in (f"one {turn}", f"two {turn}", f"three {turn}")
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
        won = next(answer for answer in answers if answer.status_code == 200)
        assert Mailbox.objects.get().note == won.json()["note"]
        assert {answer["ETag"] for answer in answers} == {won["ETag"]}


@pytest.mark.django_db(transaction=True)
def test_one_quota_does_not_take_the_other_back(
    api: Callable[..., Api], olga: Actor, organization: Organization
) -> None:
    client, address = api(olga), f"organizations/{organization.pk}/"
    at_once(
        lambda: client.patch(address, {"domain_quota": 7}),
        lambda: client.patch(address, {"mailbox_quota": 70}),
    )
    organization.refresh_from_db()
    assert (organization.domain_quota, organization.mailbox_quota) == (7, 70)
