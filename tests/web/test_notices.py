"""The bell, the list behind it, and the page on which people choose how they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from panel.web import frame
from tenants.actions import accounts
from tenants.actor import Actor
from tenants.models import Domain, Membership, Notice, NoticeChoice
from tenants.notices import KINDS
from tests.api.client import Api
from tests.tenants.test_notices import tell
from tests.web.people import check_page, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def browser(alice: Actor, domain: Domain) -> Client:
    return signed_in(alice.account)


def test_the_bell_counts_with_one_question(
    alice: Actor, domain: Domain, django_assert_num_queries: Callable[..., Any]
) -> None:
    tell(domain)
    assert alice.account is not None
    with django_assert_num_queries(1):
        assert frame._notices(alice.account)["unread"] == "1"


def test_one_is_read_then_all(browser: Client, domain: Domain) -> None:
    assert "You have no notices." in text_of(browser.get("/notices"))
    for line in ("first <b>", "second"):
        tell(domain, line)
    page = browser.get("/notices")
    check_page(page)
    assert "Notices, 2 unread" in text_of(page)
    assert "first <b>" in text_of(page)
    assert f'href="/d/{domain}/checks"' in page.content.decode()
    row = Notice.objects.get(line="second")
    assert "Notices, 1 unread" in text_of(browser.post("/notices/read", {"notice": row.pk}, follow=True))
    page = browser.post("/notices/read", {"up_to": row.pk}, follow=True)
    assert "You have read all your notices." in text_of(page)
    assert "unread" not in text_of(page)
    for wrong in ("x", "9" * 30, "0"):
        assert browser.post("/notices/read", {"notice": wrong}).status_code == 404


def test_the_link_goes_with_the_right(browser: Client, alice: Actor, domain: Domain) -> None:
    tell(domain)
    Membership.objects.filter(account=alice.account).delete()
    page = browser.get("/notices").content.decode()
    assert "something is wrong" in page
    assert f"/d/{domain}/checks" not in page


def test_choosing(browser: Client, alice: Actor) -> None:
    page = browser.get("/account/notices")
    check_page(page)
    free = [name for name, kind in KINDS.items() if not kind.fixed]
    answer = browser.post("/account/notices", dict.fromkeys(free, "weekly"), follow=True)
    assert "Saved." in text_of(answer)
    assert NoticeChoice.objects.filter(account=alice.account, delivery="weekly").count() == len(free)
    assert browser.post("/account/notices", dict.fromkeys(free, "loudly")).status_code == 400


def test_the_same_by_api(alice: Actor, domain: Domain) -> None:
    tell(domain)
    _, key = accounts.create_token(actor=alice, name="reader")
    api = Api(key)
    found = api.get("/api/v1/account/notices/?unread=true").json()["results"]
    assert {row["kind"]: row["path"] for row in found} == {
        "checks_turned": f"/d/{domain}/checks",
        "account_changed": "/account",
    }
    assert api.post("/api/v1/account/notices/read/", {}).json() == {"read": 2}
    assert api.get("/api/v1/account/notices/?unread=true").json()["results"] == []
    wish = {"kind": "checks_turned", "delivery": "off"}
    kinds = api.put("/api/v1/account/notice-choices/", wish).json()["kinds"]
    assert [row["delivery"] for row in kinds if row["kind"] == "checks_turned"] == ["off"]
    assert api.put("/api/v1/account/notice-choices/", {**wish, "kind": "suspension"}).status_code == 400
