"""No page of another site can press our buttons, and ids of two organizations are never mixed."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.dryrun import rehearsal
from tests.access.pages import ROWS
from tests.access.rows import Row
from tests.access.stage import Stage, differences, only_reading, snapshot, told

pytestmark = pytest.mark.one_database

PRESSES = [row for row in ROWS if row.method == "POST"]
COOKIE = "a" * 32


@pytest.mark.parametrize("row", PRESSES, ids=lambda row: row.name)
def test_a_form_without_our_token_is_refused(row: Row, stage: Stage) -> None:
    address, data = row.address(stage.ours), row.body(stage.ours)
    with only_reading() as writes:
        for person in ("nobody", "alice", "olga"):
            for cookie, sent in (("", ""), (COOKIE, ""), ("", COOKIE), (COOKIE, "b" * 32)):
                client = stage.people[person].strict_browser(**({"rookery_csrf": cookie} if cookie else {}))
                answer = client.post(address, {**data, **({"csrfmiddlewaretoken": sent} if sent else {})})
                assert answer.status_code == 403, f"{address} for {person}"
    assert writes == []


@pytest.mark.parametrize("row", PRESSES, ids=lambda row: row.name)
def test_a_form_with_our_token_from_elsewhere_is_refused(row: Row, stage: Stage) -> None:
    client = stage.people["alice"].strict_browser(rookery_csrf=COOKIE)
    data = {**row.body(stage.ours), "csrfmiddlewaretoken": COOKIE}
    with only_reading() as writes:
        for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
            answer = client.post(row.address(stage.ours), data, headers=headers)
            assert answer.status_code == 403
    assert writes == []


def test_our_own_form_is_taken(stage: Stage) -> None:
    client = stage.people["alice"].strict_browser(rookery_csrf=COOKIE)
    row = next(row for row in PRESSES if row.name == "address-note")
    with rehearsal():
        answer = client.post(row.address(stage.ours), {**row.body(stage.ours), "csrfmiddlewaretoken": COOKIE})
        assert told(answer) == "to"
        stage.ours.mailbox.refresh_from_db()
        assert stage.ours.mailbox.note == "Analyst"


@pytest.mark.parametrize(
    ("address", "data", "status"),
    [
        ("/o/{ours[organization]}/members/{theirs[member]}/remove", {}, 404),
        ("/o/{theirs[organization]}/members/{ours[member]}/remove", {}, 404),
        ("/domains/new", {"organization": "{theirs[organization]}", "name": "new.example"}, 400),
        ("/o/switch", {"organization": "{theirs[organization]}"}, 404),
        ("/account/tokens", {"name": "x", "organization": "{theirs[organization]}", "days": "30"}, 400),
        ("/account/tokens/{theirs[token]}/revoke", {}, 404),
        ("/d/{ours[domain]}/addresses/ada/targets/remove", {"address": "ada@difference.example"}, 404),
    ],
)
def test_ids_of_both_organizations(address: str, data: dict[str, Any], status: int, stage: Stage) -> None:
    """Alice names charlie's things in addresses and forms that are partly her own."""
    names = {"ours": stage.ours.names, "theirs": stage.theirs.names}
    filled = {key: value.format(**names) for key, value in data.items()}
    before = snapshot()
    with rehearsal():
        answer = stage.people["alice"].ask("POST", address.format(**names), filled)
        assert answer.status_code == status
        assert differences(before, snapshot()) == []


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/o",
        "/domains",
        "/requests",
        "/runs",
        "/runs?domain={domain}",
        "/activity",
        "/activity?domain={domain}",
        "/activity?actor=charlie",
        "/search?q=ada",
        "/search?q=difference",
        "/search?q=run+{run}",
        "/account",
        "/account/tokens",
        "/domains/new",
    ],
)
def test_lists_show_nothing_foreign(address: str, stage: Stage) -> None:
    theirs = stage.theirs
    shown = stage.people["alice"].ask("GET", address.format(**theirs.names)).content.decode()
    # What was typed into a filter is shown again in its field.
    shown = shown.replace(f'value="{theirs.domain.name}"', "")
    for secret in (theirs.domain.name, theirs.organization.name, f"/runs/{theirs.run.pk}"):
        assert secret not in shown
