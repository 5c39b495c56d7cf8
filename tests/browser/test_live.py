"""What follows by itself goes on when the stream, the polled page or htmx fails, and says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, StorageState, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import SLOW_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DOMAIN = "example.org"


def owner_with_address(visit: Visit, administrator: StorageState, local_part: str) -> Visitor:
    """On the page of a new address that has a passphrase and no confirmed target yet."""
    owner = visit(storage_state=administrator)
    page = owner.open(f"/d/{DOMAIN}/new-alias")
    page.get_by_label("The address").fill(local_part)
    page.get_by_label("Others who get the mail").fill(f"{local_part}@home.example")
    owner.press("Make the alias")
    expect(page.locator("#address-state")).to_contain_text("Unconfirmed", timeout=SLOW_MS)
    return owner


def test_without_the_stream_the_page_asks_again(administrator: StorageState, visit: Visit) -> None:
    owner = owner_with_address(visit, administrator, "polled")
    page, asked = owner.page, []
    page.route("**/live/**", lambda route: route.abort())
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/now") else None)
    owner.press("Switch off")
    expect(page.locator("#address-state .badge")).to_have_text("Off", timeout=SLOW_MS)
    expect(page.locator("#address-state .proof > .done").last).to_contain_text("observed")
    assert page.locator("[data-live-status]").inner_text() == ""
    assert asked
    owner.complaints.clear()  # the stream that we cut


def test_a_panel_that_does_not_answer_is_told_and_asked_again(
    administrator: StorageState, visit: Visit
) -> None:
    owner = owner_with_address(visit, administrator, "silent")
    page = owner.page
    fails = [True]

    def answer(route: Route) -> None:
        route.abort() if fails[0] else route.continue_()

    page.route("**/live/**", lambda route: route.abort())
    page.route("**/address/*/now", answer)
    owner.press("Switch off")
    expect(page.locator("[data-live-status]")).to_contain_text("does not answer", timeout=SLOW_MS)
    fails[0] = False
    expect(page.locator("#address-state .badge")).to_have_text("Off", timeout=SLOW_MS)
    owner.complaints.clear()  # what we cut


def test_a_switch_in_the_list_follows_its_row(administrator: StorageState, visit: Visit) -> None:
    owner = owner_with_address(visit, administrator, "switched")
    page = owner.open(f"/d/{DOMAIN}/addresses?q=switched")
    page.evaluate("window.loadedOnce = true")
    row = page.get_by_role("row", name=f"switched@{DOMAIN}")
    row.get_by_role("switch").click()
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(row.locator("[data-label=State]")).to_contain_text("Off", timeout=SLOW_MS)
    page.get_by_role("searchbox", name="Find an address").fill("nobody-is-called-so")
    expect(page.locator("#address-list")).to_contain_text("No address matches")
    page.get_by_role("searchbox", name="Find an address").fill("switch")
    expect(row).to_be_visible()
    assert page.evaluate("window.loadedOnce"), "the page was loaded again"


def test_without_htmx_every_button_still_does_its_work(administrator: StorageState, visit: Visit) -> None:
    owner = owner_with_address(visit, administrator, "plain")
    owner.context.route("**/htmx*.js", lambda route: route.abort())
    page = owner.open(f"/d/{DOMAIN}/addresses?q=plain")
    with page.expect_navigation():
        page.get_by_role("switch", name=f"plain@{DOMAIN} is on").click()
    expect(page.locator("#notices")).to_contain_text("was switched off")
    find = page.get_by_role("searchbox", name="Find an address")
    find.fill("plain")
    with page.expect_navigation():
        find.press("Enter")
    row = page.get_by_role("row", name=f"plain@{DOMAIN}")
    expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    owner.complaints.clear()  # the script that we cut
