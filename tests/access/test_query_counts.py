"""Lists ask the database the same number of questions for five rows as for fifty."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from tenants.dryrun import rehearsal
from tests.access import operations, pages
from tests.access.growth import grow
from tests.access.stage import KEPT_BY_READING, Stage
from tests.api.client import Api

PAGES = (
    "/",
    "/o",
    "/o/{organization}",
    "/domains",
    "/d/{domain}",
    "/d/{domain}/activity",
    "/d/{domain}/trash",
    "/o/{organization}/activity",
    "/d/{domain}/addresses/ada/history",
    "/activity/download",
    "/d/{domain}/requests",
    "/d/{domain}/requests?only=refused&q=n",
    "/d/{domain}/requests/invitations",
    "/d/{domain}/settings/people",
    "/d/{domain}/settings/hand-over",
    "/take-over",
    "/d/{domain}/checks",
    "/d/{domain}/settings/repository",
    "/d/{domain}/settings/repository/findings",
    "/d/{domain}/addresses",
    "/d/{domain}/addresses?q=n",
    "/d/{domain}/addresses?only=off",
    "/d/{domain}/addresses.csv",
    "/d/{domain}/addresses.json",
    "/d/{domain}/addresses/ada",
    "/d/{domain}/settings/names",
    "/requests",
    "/runs",
    "/runs?domain={domain}",
    "/runs/{run}",
    "/activity",
    "/activity?verb=addresses",
    "/search?q=n",
    "/account",
    "/account/tokens",
    "/notices",
    "/my",
    "/account/export",
    "/account/delete",
    "/d/{domain}/dns",
    "/d/{domain}/dns/history",
    "/d/{domain}/dns/history/A/ns1.{domain}",
    "/d/{domain}/dns/keys",
    "/d/{domain}/dns/servers",
    "/d/{domain}/dns/registrar",
    "/d/{domain}/settings/signing-keys",
    "/d/{domain}/way-out",
    "/d/{upgradable}/stack/letters",
    "/o/{organization}/export",
    "/hosts",
    "/hosts/{share}",
    "/hosts/{share}/firewall",
    "/hosts/{share}/prepare",
    "/images",
    "/images/build-servers",
    "/images/feeds",
    "/webhooks",
    "/webhooks/{webhook}",
    "/webhooks/{webhook}/deliveries/{delivery}",
    "/unikernels",
    "/unikernels/{unikernel}/console",
    "/unikernels/{unikernel}/console/lines",
    "/unikernels/{unikernel}/console.txt",
)
# Pages of one thing, which hold no list that grows.
SINGLE = {
    "address-hand-over", "account-delete", "own-addresses", "address-delete-own", "account-export",
    "sign-in", "sign-in-link", "second-step", "account-factors", "account-code-app", "account-sessions",
    "account-notices",
    "ask", "ask-lost", "asked", "asked-fragment", "asked-withdraw",
    "invited", "decide", "domain-request-rules",
    "asked-confirm", "confirm-target", "autoconfig", "autoconfig-well-known", "healthz", "readyz", "metrics",
    "sandbox-mail", "sandbox-letter", "mail-program", "organization-new", "domain-new", "domain-settings",
    "repository-new", "address-row", "address-new", "address-fragment", "address-live", "request",
    "run-fragment", "run-live", "event", "trash-days", "address-delete", "alias-new", "alias-deliveries",
    "address-expiry", "domain-alias-rules", "addresses-import",
    "zone-import", "zone-export", "zone-download", "zone-mail",
    "zone-new", "record-set-edit", "zone-review", "zone-settings", "zone-repository", "zone-repository-new",
    "update-server", "update-server-new", "git-host", "zone-place", "zone-end",
    "stack", "stack-new", "stack-upgrade", "stack-uptime", "stack-letter", "open-relay", "installation",
    "host-new", "host-firewall-rule", "host-firewall-helper",
    "image", "image-upload",
    "host-volume", "image-feed", "image-fetch", "image-fetching",
    "webhook-new",
    "unikernel", "unikernel-new", "unikernel-change",
    "unikernel-console-live", "unikernel-load",
    # Lists of what somebody uploaded: see tests.web.panel.test_imports.
    "addresses-import-page", "addresses-import-problems",
    "organization-import", "organization-import-page",
    # Of operators: see tests.web.panel.test_backups.
    "backups",
    # The last fifty changes of one line.
    "domain-check-line",
}  # fmt: skip
# Pages that show some of many: the first six found, the last five runs, what was found at the last look, the
# last fifty events of all domains.
SHORT = {
    "/search?q=n",
    "/d/example.org/settings/repository",
    "/d/example.org/settings/repository/findings",
    "/o/1/activity",
    "/d/example.org/activity",
}
MOST_QUESTIONS = 35  # one is the number at the bell, on every page


@dataclass(frozen=True)
class Cost:
    questions: list[str]
    size: int


Costs = dict[str, tuple[Cost, Cost]]


def test_every_page_with_a_list_is_counted() -> None:
    paths = {
        page.partition("?")[0].format(
            **dict.fromkeys(("domain", "upgradable"), "x.example"),
            **dict.fromkeys(("organization", "run", "share", "unikernel", "webhook", "delivery"), 1),
        )
        for page in PAGES
    }
    counted = {resolve(path).url_name for path in paths}
    assert counted | SINGLE == {row.name for row in pages.ROWS if row.method == "GET"}


def cost(stage: Stage, address: str) -> Cost:
    alice = stage.people["alice"]
    with CaptureQueriesContext(connection) as queries:
        is_api = address.startswith("/api/")
        answer: Any = Api(alice.key).get(address) if is_api else alice.ask("GET", address)
    assert answer.status_code == 200, address
    # When a key was used is written once a minute: on a slow machine between the two measures.
    asked = [each["sql"] for each in queries if not KEPT_BY_READING.match(each["sql"])]
    return Cost(asked, len(answer.content))


@pytest.fixture(scope="module")
def costs(stage: Stage) -> Costs:
    """Every list with five rows, then with fifty."""
    owner = stage.people["alice"].actor.account  # type: ignore[union-attr]
    assert owner is not None
    addresses = [page.format(**stage.ours.names) for page in PAGES]
    addresses += [row.address(stage.ours) for row in operations.ROWS if row.method == "GET"]
    with rehearsal():
        grow(stage.ours, owner, 5)
        few = {address: cost(stage, address) for address in addresses}
        grow(stage.ours, owner, 45)
        return {address: (few[address], cost(stage, address)) for address in addresses}


def test_questions_do_not_grow_with_rows(costs: Costs) -> None:
    grown = {
        address: (len(few.questions), len(many.questions), many.questions[-3:])
        for address, (few, many) in costs.items()
        if len(many.questions) > len(few.questions)
    }
    assert grown == {}


def test_lists_did_grow(costs: Costs) -> None:
    """Or the test above would say nothing."""
    lists = {each for each in costs if not each.startswith("/api/")}
    lists = {each for each in lists if re.sub(r"^/o/\d+/", "/o/1/", each) not in SHORT}
    lists |= {
        row.any_address for row in operations.ROWS if row.answers == operations.LISTS and row.method == "GET"
    }
    lists -= {"/api/v1/account/tokens/"}  # a program's token sees itself only
    lists -= {"/api/v1/account/notice-choices/"}  # as many as there are kinds
    lists -= {"/api/v1/events/"}  # there is more than a page of them before anything grows
    still = [address for address in lists if costs[address][1].size < 1.3 * costs[address][0].size]
    assert still == []


def test_no_page_asks_very_much(costs: Costs) -> None:
    much = {address: len(many.questions) for address, (_, many) in costs.items()}
    assert {address: count for address, count in much.items() if count > MOST_QUESTIONS} == {}
